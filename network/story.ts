import { DevsenError } from '../core/errors.ts';
import { STATUS_OF_16 } from '../core/ocpp16.ts';
import { type ChargerStatus, STATUS_NAMES } from '../core/status.ts';
import { type Charger, startCharger } from '../simulator/charger.ts';
import type { Happening } from '../simulator/conversation.ts';
import { describeStatus } from './account.ts';
import { askStatus, type Reply } from './consumer.ts';
import { within } from './deadline.ts';
import type { LocalNetwork } from './local-network.ts';
import { signerOf } from './one-by-one.ts';
import { readAnswer } from './request-account.ts';
import { playSession } from './session-story.ts';
import type { Terminal } from './terminal.ts';

/** A car that takes a while to fill, so that the charger is still charging when it is asked about. */
const CAR = { battery: { capacityWh: 77_000, levelWh: 20_000 }, maxPowerW: 11_000 };

/**
 * Plays the whole way once: a charger connects and begins to charge, a contract asks about it, the operators answer, and
 * what the contract was told is compared with what the charger is. Then a driver pays for a session at its other connector.
 *
 * @throws DevsenError if a step takes too long, or if what was agreed is not the truth
 */
export async function playStory(network: LocalNetwork, idTag: string, terminal: Terminal): Promise<void> {
  const { state, keys, provider } = network;
  const { identity, connectors } = state.chargers[0] ?? { identity: '', connectors: 0 };
  const connector = 1;
  const registered = Promise.withResolvers<void>();
  const watch = (happening: Happening) => {
    if (happening.kind === 'registered' && happening.registration === 'Accepted') registered.resolve();
  };
  const key = Buffer.from(keys.chargers[identity] ?? '', 'hex');
  const charger: Charger = startCharger({ url: state.gatewayUrl, identity, key, connectors, watch });
  try {
    await terminal.step(`${identity} connects by OCPP 1.6 and is accepted`, () =>
      within('the connection of the charger', 30_000, registered.promise.then(charger.settled)),
    );
    await terminal.step(
      `a car is plugged in at ${identity}/${connector}, a card is shown, charging begins`,
      async () => {
        refuseIf(charger.plug(connector, CAR));
        refuseIf(await within('the check of the card', 20_000, charger.present(connector, idTag)));
        await within('the acknowledgement of the status', 20_000, charger.settled());
      },
    );
    const reply = await terminal.step(`a contract asks ${state.operators.length} operators, and they answer`, () =>
      askStatus({
        provider,
        signer: signerOf(keys.asker, provider),
        consumer: state.addresses.consumer,
        oracle: state.addresses.oracle,
        identity,
        connector,
        answerLimitMs: 60_000,
        stragglerLimitMs: 20_000,
        operators: state.operators.length,
      }),
    );
    tellReply(reply, network, terminal);
    await terminal.step('what the contract was told is what the charger is', async () => {
      checkTruth(reply, network, charger.connector(connector).status);
    });
    await playSession(network, charger, identity, terminal);
  } finally {
    await charger.close();
  }
}

function tellReply(reply: Reply, { state }: LocalNetwork, { print, paint }: Terminal): void {
  for (const { name, oracle } of state.operators) {
    const given = reply.request.observations.find((observation) => observation.oracle === oracle);
    print(`    ${name}: ${given ? readAnswer(given.answer) : paint('warn', 'no answer')}`);
  }
  if (reply.held) print(`    the contract holds: ${paint('strong', describeStatus(reply.held))}`);
}

function checkTruth(reply: Reply, { state }: LocalNetwork, actual: string): void {
  const { request, held } = reply;
  if (request.outcome !== 'answered') throw new DevsenError('CONFLICT', `the request ended ${request.outcome}`);
  if (!held) throw new DevsenError('CONFLICT', 'the contract holds no status');
  const expected: ChargerStatus = { ...held, status: STATUS_OF_16[actual] ?? 0, errorClass: 0, online: true };
  if (held.status !== expected.status || held.errorClass !== 0 || !held.online) {
    const is = STATUS_NAMES[expected.status];
    throw new DevsenError('CONFLICT', `the contract was told ${describeStatus(held)}, but the charger is ${is}`);
  }
  const agreeing = request.observations.filter(({ answer }) => answer === request.answer).length;
  if (agreeing < state.operators.length) {
    throw new DevsenError('CONFLICT', `${agreeing} of ${state.operators.length} operators gave the agreed answer`);
  }
}

function refuseIf(reason: string | undefined): void {
  if (reason !== undefined) throw new DevsenError('CONFLICT', `the charger did nothing: ${reason}`);
}
