import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { apiDocument } from './api.ts';
import { contractsDocument } from './contracts.ts';
import { API, CONTRACTS, ENV_EXAMPLE, OCPP, README, renderReadme } from './files.ts';
import { ocppDocument } from './ocpp.ts';
import { envExample } from './settings.ts';

/** `npm run docs`: writes what the documents take from the code. */
const path = (file: string) => join(import.meta.dirname, '..', '..', file);

writeFileSync(path(README), renderReadme(readFileSync(path(README), 'utf8')));
writeFileSync(path(ENV_EXAMPLE), envExample());
writeFileSync(path(OCPP), ocppDocument());
writeFileSync(path(API), apiDocument());
writeFileSync(path(CONTRACTS), contractsDocument());
