import { CHARGER_ACTIONS_16, COMMANDS_16 } from '../../ocpp-gateway/answers16.ts';
import { FROM_CHARGER_16, TO_CHARGER_16 } from '../../test/gateway/samples16.ts';

/** One version of OCPP: what the gateway takes in and sends, and which of it a test sends through a gateway. */
interface Version {
  name: string;
  takenIn: readonly string[];
  sent: readonly string[];
  isTested: (action: string) => boolean;
}

const VERSIONS: readonly Version[] = [
  {
    name: '1.6J',
    takenIn: CHARGER_ACTIONS_16,
    sent: COMMANDS_16,
    isTested: (action) =>
      CHARGER_ACTIONS_16.includes(action) === Object.hasOwn(FROM_CHARGER_16, action) &&
      COMMANDS_16.includes(action) === Object.hasOwn(TO_CHARGER_16, action),
  },
];

/** `docs/ocpp.md`. */
export function ocppDocument(): string {
  const rows = VERSIONS.flatMap(({ name, takenIn, sent, isTested }) =>
    [...new Set([...takenIn, ...sent])]
      .sort()
      .map((action) => [
        `\`${action}\``,
        name,
        mark(takenIn.includes(action)),
        mark(sent.includes(action)),
        mark(isTested(action)),
      ]),
  );
  return `# OCPP messages

Written by \`npm run docs\` from the code.

- *taken in*: the gateway answers it when the charger sends it, and it is in every operator's record. \`SignCertificate\` is
  answered \`Rejected\` where no certification authority is set, and \`DataTransfer\` \`UnknownVendorId\`.
- *sent*: the charger's manager can have it sent (\`npm run command\`); call and answer are in every operator's record.
- *tested*: a test sends it through a gateway over a real socket, in each direction it has.

OCPP 1.6J means edition 2 and the messages of the security whitepaper.

| message | version | taken in | sent | tested |
|---|---|---|---|---|
${rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}
`;
}

function mark(isSo: boolean): string {
  return isSo ? 'yes' : '–';
}
