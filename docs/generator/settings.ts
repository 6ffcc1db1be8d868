import { ADAPTER_SETTINGS } from '../../adapter/settings.ts';
import { JOB_NODE_SETTINGS } from '../../jobs/node/settings.ts';
import { DEPLOY_SETTINGS } from '../../network/deploy-settings.ts';
import { GATEWAY_SETTINGS } from '../../ocpp-gateway/settings.ts';
import type { Setting, SettingRows } from '../../runtime/settings.ts';

/** The processes that are set by environment variables, in the order in which the documents list them. */
export const PROCESSES: readonly { name: string; rows: SettingRows }[] = [
  { name: 'OCPP gateway', rows: GATEWAY_SETTINGS },
  { name: 'adapter', rows: ADAPTER_SETTINGS },
  { name: 'job node', rows: JOB_NODE_SETTINGS },
  { name: 'deployment', rows: DEPLOY_SETTINGS },
];

/** The README's tables, one for each process. */
export function settingsTables(): string {
  return PROCESSES.map(({ name, rows }) =>
    [
      `<details><summary>Settings of the ${name}</summary>`,
      '',
      '| name | unit | default | about |',
      '|---|---|---|---|',
      ...Object.entries(rows).map(([setting, row]) => tableRow(setting, row)),
      '',
      '</details>',
    ].join('\n'),
  ).join('\n\n');
}

function tableRow(name: string, row: Setting<unknown>): string {
  const cells = [`\`${name}\``, row.unit, defaultOf(row), `${row.about}${row.isSecret ? ' *Secret.*' : ''}`];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function defaultOf(row: Setting<unknown>): string {
  if (row.default === undefined) return '**required**';
  return isNothing(row) ? 'none' : `\`${row.default}\``;
}

/** A default that only says that nothing is set: empty, or no bytes at all. */
function isNothing(row: Setting<unknown>): boolean {
  return row.default === '' || row.default === '0x';
}

/** `.env.example`: every variable once; what must be set stands free, what has a default stands behind a #. */
export function envExample(): string {
  const seen = new Map<string, { row: Setting<unknown>; users: string[] }>();
  for (const { name: user, rows } of PROCESSES) {
    for (const [name, row] of Object.entries(rows)) {
      const entry = seen.get(name) ?? { row, users: [] };
      entry.users.push(user);
      seen.set(name, entry);
    }
  }
  const lines = [...seen].map(([name, { row, users }]) => {
    const value = row.default === undefined ? `${name}=` : `#${name}=${isNothing(row) ? '' : row.default}`;
    return `# ${row.about} (${row.unit}) [${users.join(', ')}]\n${value}\n`;
  });
  return `# Copy to .env, fill in, and hand to a process with: node --env-file=.env <part>/main.ts\n\n${lines.join('\n')}`;
}
