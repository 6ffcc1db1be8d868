#!/usr/bin/env node
/** `npx devsen …`, in a checkout: the same as `node setup/run.mjs devsen …`, from whatever folder. */
process.argv.splice(2, 0, 'devsen');
await import('./run.mjs');
