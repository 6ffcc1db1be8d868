import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { QUERIES } from '../../core/queries.ts';
import { parseJobSpec } from '../../jobs/node/spec.ts';
import { renderCronSpec, renderJobSpec } from '../../jobs/render.ts';

const OPERATOR = '0x5FbDB2315678afecb367f032d93F642f64180aa3';
const LEDGER = '0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512';
const TEMPLATE = readFileSync('jobs/charger-status.toml', 'utf8');
const render = (template = TEMPLATE) =>
  renderJobSpec(template, {
    contractAddress: OPERATOR.toLowerCase(),
    evmChainId: 31_337,
    requesters: [LEDGER.toLowerCase()],
    minConfirmations: 3,
  });

const MINIMAL = `type = "directrequest"
schemaVersion = 1
externalJobID = "0de75e00-c4a9-4e57-8a70-000000000001"
contractAddress = "${OPERATOR}"
observationSource = """
  a [type="jsonparse" path="x" data="$(jobRun.meta)"]
  b [type="ethabiencode" abi="(uint256 value)" data=<{"value": $(a)}>]
  a -> b
"""`;

describe('the charger-status job spec', () => {
  it("is the operator's own once rendered, with checksummed addresses", () => {
    const text = render();
    expect(text).toContain(`contractAddress = "${OPERATOR}"`);
    expect(text).toContain('evmChainID = "31337"');
    expect(text).toContain(`requesters = ["${LEDGER}"]`);
    expect(parseJobSpec(text, 'charger-status.toml')).toMatchObject({
      id: `${QUERIES[0].externalJobId}:${OPERATOR.toLowerCase()}`,
      externalJobId: QUERIES[0].externalJobId,
      chainId: 31_337n,
      requesters: [LEDGER.toLowerCase()],
      minConfirmations: 3,
      warnings: [],
    });
  });

  it('is refused as it is, so nobody runs the placeholders', () => {
    expect(() => parseJobSpec(TEMPLATE, 'charger-status.toml')).toThrow(
      "charger-status.toml:9: contractAddress: expected the operator's own Operator contract, not the placeholder",
    );
  });

  it('cannot be rendered from a template that lacks a line', () => {
    expect(() => render(TEMPLATE.replace(/^requesters.*$/m, ''))).toThrow('the template has no line "requesters = …"');
  });
});

describe('the job specs of the other queries', () => {
  it.each(QUERIES.slice(1, 3))(
    'are as that of charger-status but for what is asked: $name',
    ({ name, externalJobId }) => {
      const text = render(readFileSync(`jobs/${name}.toml`, 'utf8'));
      expect(parseJobSpec(text, `${name}.toml`)).toMatchObject({ externalJobId, warnings: [] });
      const own = text.split('\n');
      const other = render().split('\n');
      const changed = own.filter((line, n) => line !== other[n]).map((line) => line.trim());
      expect(own.length).toBe(other.length);
      expect(changed.map((line) => line.split(/[ =]/)[0])).toEqual(
        expect.arrayContaining(['#', 'name', 'externalJobID', 'requestData']),
      );
      expect(changed.length).toBeLessThanOrEqual(5);
    },
  );
});

describe('the job specs that settle ended sessions', () => {
  const settle = readFileSync('jobs/settle-ended-sessions.toml', 'utf8');

  it('is a job of the clock, with the account that pays', () => {
    const text = renderCronSpec(settle, { evmChainId: 31_337, linkPayer: LEDGER.toLowerCase() });
    expect(text).toContain(`payer    [type="memo" value=<"${LEDGER}">]`);
    expect(parseJobSpec(text, 'settle.toml')).toMatchObject({
      type: 'cron',
      id: '0de75e00-c4a9-4e57-8a70-0000000000c1:cron',
      scheduleText: 'CRON_TZ=UTC 30 * * * * *',
      warnings: [],
    });
  });

  it('need no payer where nothing is asked, and take another schedule', () => {
    const pay = readFileSync('jobs/pay-card-sessions.toml', 'utf8');
    const text = renderCronSpec(pay, { evmChainId: 7, linkPayer: LEDGER, schedule: '@every 5s' });
    expect(text).toContain('evmChainID = "7"');
    expect(parseJobSpec(text, 'pay.toml')).toMatchObject({
      id: '0de75e00-c4a9-4e57-8a70-0000000000c2:cron',
      scheduleText: '@every 5s',
      warnings: [],
    });
  });

  it('and end requests need no payer either', () => {
    const expire = readFileSync('jobs/expire-requests.toml', 'utf8');
    expect(parseJobSpec(renderCronSpec(expire, { evmChainId: 7, linkPayer: LEDGER }), 'expire.toml')).toMatchObject({
      id: '0de75e00-c4a9-4e57-8a70-0000000000c3:cron',
      scheduleText: 'CRON_TZ=UTC 15 * * * * *',
      warnings: [],
    });
  });

  it('cannot be rendered from a template without a payer, or of another type', () => {
    const places = { evmChainId: 1, linkPayer: LEDGER };
    expect(() => renderCronSpec(settle.replace('payer    [', 'buyer    ['), places)).toThrow('or no task "payer"');
    expect(() => renderCronSpec(TEMPLATE, places)).toThrow('no line "evmChainID = …" or "schedule = …"');
  });
});

describe('a job spec that does not parse', () => {
  const change = (from: string | RegExp, to: string) => MINIMAL.replace(from, to);
  const TYPES = `any base64decode base64encode bridge cborparse conditional divide estimategaslimit ethabidecode
    ethabidecodelog ethabiencode ethcall ethtx hexdecode hexencode http jsonparse length lessthan lookup lowercase mean
    median memo merge mode multiply sum uppercase`.replaceAll(/\s+/g, ', ');
  const table: [string, string, string][] = [
    ['no TOML', change('schemaVersion = 1', 'schemaVersion ='), 'x.toml:2: no TOML: Invalid TOML document: '],
    [
      'another type',
      change('"directrequest"', '"webhook"'),
      'x.toml:1: type: expected "directrequest" or "cron", the types run here',
    ],
    ['another schema', change('schemaVersion = 1', 'schemaVersion = 2'), 'x.toml:2: schemaVersion: expected 1'],
    ['a job id that is no UUID', change('0de75e00-', ''), 'x.toml:3: externalJobID: expected a UUID with dashes'],
    [
      'a wrong checksum',
      change('0x5FbD', '0x5fbD'),
      'x.toml:4: contractAddress: expected an address: 0x and 40 hex digits, with a right checksum',
    ],
    ['a cron job without a schedule', change('"directrequest"', '"cron"'), 'x.toml:1: schedule: expected CRON_TZ='],
    [
      'a schedule without a time zone',
      change('"directrequest"', '"cron"\nschedule = "0 * * * *"'),
      'x.toml:2: schedule: expected CRON_TZ=<time zone> and 5 or 6 fields',
    ],
    ['a missing address', change(/contractAddress.*\n/, ''), 'x.toml:1: contractAddress: expected an address'],
    [
      'requesters that are no list',
      `requesters = "x"\n${MINIMAL}`,
      'x.toml:1: requesters: expected a list of addresses',
    ],
    ['a chain that is none', `evmChainID = "main"\n${MINIMAL}`, 'x.toml:1: evmChainID: expected a chain id'],
    [
      'a duration without unit',
      `maxTaskDuration = "30"\n${MINIMAL}`,
      'x.toml:1: maxTaskDuration: expected a duration such as 30s, or 0s for none',
    ],
    [
      'a negative floor',
      `minContractPaymentLinkJuels = -1\n${MINIMAL}`,
      'x.toml:1: minContractPaymentLinkJuels: expected a whole number of juels',
    ],
    ['forwarding', `forwardingAllowed = 1\n${MINIMAL}`, 'x.toml:1: forwardingAllowed: expected true or false'],
    [
      'no tasks',
      change(/observationSource = """[\s\S]*"""/, 'observationSource = ""'),
      'observationSource: expected at least one task',
    ],
    ['no DOT', change('a -> b', 'a -> -> b'), 'x.toml:8: observationSource is no DOT: '],
    [
      'an unknown task',
      change('type="jsonparse"', 'type="jsonparser"'),
      `x.toml:6: task a: no such type "jsonparser"; expected one of ${TYPES}`,
    ],
    ['a task without a type', change('type="jsonparse" ', ''), 'x.toml:6: task a: expected a type'],
    ['a missing attribute', change('abi="(uint256 value)" ', ''), 'x.toml:7: task b: ethabiencode expects abi'],
    [
      'an abi that is none',
      change('(uint256 value)', '(uint257 value)'),
      'x.toml:7: task b: abi: no such type: "uint257 value"',
    ],
    [
      'an abi without names',
      change('(uint256 value)', '(uint256)'),
      'x.toml:7: task b: abi: expected a type and a name, found "uint256"',
    ],
    ['an arrow to nothing', change('a -> b', 'a -> c'), 'x.toml:8: no task is called "c"'],
    [
      'a reference to nothing',
      change('$(a)', '$(c.d)'),
      'x.toml:7: task b: data refers to $(c.d), but no task is called "c"',
    ],
    ['a circle', change('a -> b', 'a -> b -> a'), 'x.toml:6: these tasks wait for one another: a, b'],
    ['a circle by reference', change('$(jobRun.meta)', '$(b)'), 'x.toml:6: these tasks wait for one another: a, b'],
    ['a reference to itself', change('$(a)', '$(b)'), 'x.toml:7: task b: data refers to the task itself'],
    [
      'a reserved name',
      change(/\ba\b(?= [[-])/g, 'input').replace('$(a)', '$(input)'),
      'x.toml:6: task input: the name is reserved',
    ],
    [
      'a retry count that is none',
      change('path="x"', 'path="x" retries=some'),
      'x.toml:6: task a: retries: expected a whole number',
    ],
    [
      'a timeout that is none',
      change('path="x"', 'path="x" timeout=30'),
      'x.toml:6: task a: timeout: expected a duration such as 30s',
    ],
    [
      'an index used twice',
      change('path="x"', 'path="x" index=1').replace('abi=', 'index=1 abi='),
      'index 1 is used twice',
    ],
    [
      'a bridge that may or may not be async',
      change('type="jsonparse" path="x"', 'type="bridge" name="x" async=maybe'),
      'x.toml:6: task a: async: expected true or false',
    ],
  ];
  for (const [what, text, message] of table) {
    it(`is refused with its place: ${what}`, () => {
      expect(() => parseJobSpec(text, 'x.toml')).toThrow(expect.objectContaining({ code: 'JOB_SPEC_INVALID' }));
      expect(() => parseJobSpec(text, 'x.toml')).toThrow(message);
    });
  }

  it('is no reason for alarm before these changes', () => {
    expect(parseJobSpec(MINIMAL, 'x.toml').pipeline.map(({ id }) => id)).toEqual(['a', 'b']);
  });

  it('is warned of where it only says something without meaning', () => {
    const text = `maxTaskDurations = "1s"\n${MINIMAL.replace('path="x"', 'path="x" retry=3')}`;
    expect(parseJobSpec(text, 'x.toml').warnings).toEqual([
      'x.toml:1: maxTaskDurations has no meaning here',
      'x.toml:7: task a: retry has no meaning for jsonparse',
    ]);
  });
});

describe('a job spec without an externalJobID', () => {
  const text = MINIMAL.replace(/^externalJobID.*\n/m, '');
  it('gets one from its text: the same each time, another after a change', () => {
    const { externalJobId } = parseJobSpec(text, 'a.toml');
    expect(externalJobId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(parseJobSpec(text, 'b.toml').externalJobId).toBe(externalJobId);
    expect(parseJobSpec(`${text}\n# changed`, 'a.toml').externalJobId).not.toBe(externalJobId);
  });
});
