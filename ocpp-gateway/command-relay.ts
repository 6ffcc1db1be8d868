import { deviceIdOf } from '../core/identity.ts';
import { COMMAND_HEADERS } from '../core/manager-command.ts';
import type { CommandReply, CommandRequest } from './command-desk.ts';
import type { GatewayWire } from './gateway-wire.ts';
import type { Holders } from './holders.ts';
import { translated } from './redis.ts';
import type { RunningWork } from './running-work.ts';

/** Brings managers' commands to the gateway that holds the charger. */
export interface CommandRelay {
  /**
   * Has another gateway carry a command out, which checks it like one of its own: it is passed on as it came.
   *
   * @param deadlineMs - until then its charger may be sent it, Unix ms
   * @returns undefined if no other gateway holds the charger
   * @throws DevsenError `REDIS_UNAVAILABLE`
   */
  forward: (request: CommandRequest, deadlineMs: number) => Promise<CommandReply | undefined>;
  /** From here on others' commands are carried out here; `running` holds each until it is answered. */
  serve: (handle: (request: CommandRequest) => Promise<CommandReply>, running: RunningWork) => void;
}

interface Passed {
  identity: string;
  action: string;
  headers: Record<string, string | string[] | undefined>;
  /** Base64. */
  body: string;
}

const COMMAND = 'manager-command';

export interface CommandRelayOptions {
  holders: Pick<Holders, 'elsewhere'>;
  wire: Pick<GatewayWire, 'on' | 'ask'>;
  /** So long the other gateway may take in all: the commands before this one included, ms. */
  timeoutMs: number;
  /** And so long after the deadline: for the charger's answer and the way back, ms. */
  afterDeadlineMs: number;
  now: () => number;
}

export function makeCommandRelay(options: CommandRelayOptions): CommandRelay {
  const { holders, wire, now } = options;
  return {
    forward: async ({ identity, action, headers, body }, deadlineMs) => {
      const gateway = await translated(holders.elsewhere(deviceIdOf(identity)));
      if (gateway === undefined) return undefined;
      const signed = Object.fromEntries(Object.values(COMMAND_HEADERS).map((name) => [name, headers[name]]));
      const passed: Passed = { identity, action, headers: signed, body: Buffer.from(body).toString('base64') };
      const timeoutMs = Math.min(options.timeoutMs, deadlineMs - now() + options.afterDeadlineMs);
      const answer = await wire.ask(gateway, COMMAND, JSON.stringify(passed), timeoutMs);
      if (answer === 'gone') return undefined;
      return answer === 'silent' ? SILENT : (JSON.parse(answer.text) as CommandReply);
    },
    serve: (handle, running) => {
      const carryOut = async (text: string) => {
        const { identity, action, headers, body } = JSON.parse(text) as Passed;
        const request = { identity, action, headers, body: Buffer.from(body, 'base64'), isForwarded: true };
        return JSON.stringify(await handle(request));
      };
      wire.on(COMMAND, (text) => {
        const answer = carryOut(text);
        running.add(answer);
        return answer;
      });
    },
  };
}

const SILENT: CommandReply = {
  status: 504,
  body: JSON.stringify({
    error: {
      code: 'SILENT',
      message:
        'the gateway that holds the charger did not answer in time; the charger may have carried the command out',
    },
  }),
};
