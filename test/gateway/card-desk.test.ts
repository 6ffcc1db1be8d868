import { describe, expect, it } from '@jest/globals';
import { DIALECT_16 } from '../../ocpp-gateway/answers16.ts';
import { DIALECT_20 } from '../../ocpp-gateway/answers20.ts';
import type { CardLimit } from '../../ocpp-gateway/card-budgets.ts';
import { makeCardDesk } from '../../ocpp-gateway/card-desk.ts';
import { transactionEvent } from '../core/samples20.ts';

const ACCEPTED = { status: 'Accepted', parent: 'ADA' } as const;
const LIMITED = { ...ACCEPTED, energyLimitWh: 5_000 };
const NO_CREDIT = { status: 'NoCredit' };

type Call = [action: string, payload: object, transactionId?: number];
const AUTHORIZE: Call = ['Authorize', { idTag: 'ADA-1' }];
const START: Call = ['StartTransaction', { connectorId: 2, idTag: 'ADA-1', meterStart: 7 }, 1];
const STOP: Call = ['StopTransaction', { transactionId: 1, meterStop: 9, idTag: 'ADA-1' }];
const eventOf = (type: 'Started' | 'Updated' | 'Ended'): Call => ['TransactionEvent', transactionEvent(type, 0)];

/** What a card counts for in a call. */
async function considered(
  limit: CardLimit,
  [action, payload, transactionId]: Call,
  { mustPay = false, isBegun = false } = {},
) {
  const asked: (number | undefined)[] = [];
  const desk = makeCardDesk({
    budgets: {
      limitOf: async (_charger, _card, connector) => {
        asked.push(connector);
        return limit;
      },
    },
    dialectOf: () => (action === 'TransactionEvent' ? DIALECT_20 : DIALECT_16),
    mustPay,
    commitmentOf: (idTag) => `0x${idTag}`,
    isBegun: async () => isBegun,
  });
  const finding = await desk.consider('CP1', 'ADA-1', { action, payload }, ACCEPTED, transactionId);
  return { finding, asked };
}
const findingOf = async (...of: Parameters<typeof considered>) => (await considered(...of)).finding;

describe('a card', () => {
  it('is told what its user can pay for where it begins a transaction, and asked about before', async () => {
    expect(await considered({ limitWh: 5_000 }, START)).toEqual({ finding: LIMITED, asked: [2] });
    for (const type of ['Started', 'Updated'] as const) {
      expect(await findingOf({ limitWh: 5_000 }, eventOf(type))).toEqual(LIMITED);
    }
    expect(await considered({ limitWh: 5_000 }, AUTHORIZE)).toEqual({ finding: ACCEPTED, asked: [undefined] });
    expect(await considered({ limitWh: 5_000 }, STOP)).toEqual({ finding: ACCEPTED, asked: [] });
    expect(await considered({ limitWh: 5_000 }, eventOf('Ended'))).toEqual({ finding: ACCEPTED, asked: [] });
  });

  it('is told nothing new in a transaction that has its card', async () => {
    expect(await findingOf({ limitWh: 5_000 }, eventOf('Updated'), { isBegun: true })).toEqual(ACCEPTED);
  });

  it.each(['unlimited', 'unknown'] as const)('charges without limit where that is %s', async (limit) => {
    for (const mustPay of [false, true]) expect(await findingOf(limit, START, { mustPay })).toEqual(ACCEPTED);
  });

  it('whose user can pay for nothing is refused only where cards must pay, and never what goes on', async () => {
    for (const call of [AUTHORIZE, START, eventOf('Started'), eventOf('Updated')]) {
      expect(await findingOf('nothing', call)).toEqual(ACCEPTED);
      expect(await findingOf('nothing', call, { mustPay: true })).toEqual(NO_CREDIT);
      expect(await findingOf('nothing', call, { mustPay: true, isBegun: true })).toEqual(ACCEPTED);
    }
    for (const call of [STOP, eventOf('Ended')]) {
      expect(await findingOf('nothing', call, { mustPay: true })).toEqual(ACCEPTED);
    }
  });
});
