import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { makeLatencyHistogram } from './latency-histogram.ts';

/**
 * How a message from a charger ended.
 *
 * - `forgiven`: answered although it broke its schema
 * - `put-off`: a boot, told to come again as nothing could be recorded
 * - `stale`: recorded so late that its answer would have been wrong
 */
export type Outcome =
  | 'answered'
  | 'put-off'
  | 'stale'
  | 'forgiven'
  | 'suspect'
  | 'refused'
  | 'unrecorded'
  | 'duplicate';

/** What a frame from a charger was instead of a message. */
export type BadFrame = 'malformed' | 'binary' | 'ignored' | 'stray-response' | 'transport' | 'too-large' | 'flood';

/** Counts that are written on every message, as plain numbers; Prometheus reads them when it scrapes. */
export interface GatewayMetrics {
  message: (action: string, outcome: Outcome) => void;
  badFrame: (what: BadFrame) => void;
  /** A connection that was not let in. */
  refused: (reason: string) => void;
  /** A command to a charger: how it ended, `refused` if it was not to be sent. */
  command: (action: string, end: string) => void;
  /** A message of a transaction that is missing, by the numbers of OCPP 2.x. */
  transactionGap: (version: string) => void;
  /** An approval of an operator. */
  approval: (outcome: string) => void;
  /** @param seconds - from the message's arrival to its answer */
  latency: (seconds: number) => void;
  /** The page for Prometheus. */
  render: () => Promise<{ contentType: string; text: string }>;
}

/** What is measured when it is asked for. */
export interface GatewayGauges {
  connections: () => number;
  pendingEvents: () => number;
  pendingBytes: () => number;
  lagMs: () => number;
  writtenEvents: () => number;
  writtenBatches: () => number;
  /** Of the TLS certificate, Unix ms; 0 if there is none. */
  certificateExpiresAtMs: () => number;
  isHealthy: () => boolean;
  /** Batches in Redis that each operator has not taken yet. Rejects while Redis is away. */
  waitingBatches: () => Promise<{ operator: string; batches: number }[]>;
}

const PREFIX = 'devsen_gateway_';

export function makeMetrics(gauges: GatewayGauges): GatewayMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });

  /** A counter by one or two labels. Nested maps: to make one key of two labels costs more than all the rest. */
  const tally = (name: string, help: string, firstLabel: string, secondLabel?: string) => {
    const counts = new Map<string, Map<string, { count: number }>>();
    new Counter({
      name: `${PREFIX}${name}`,
      help,
      labelNames: secondLabel === undefined ? [firstLabel] : [firstLabel, secondLabel],
      registers: [registry],
      collect() {
        this.reset();
        for (const [first, bySecond] of counts) {
          for (const [second, { count }] of bySecond) {
            this.inc({ [firstLabel]: first, ...(secondLabel === undefined ? {} : { [secondLabel]: second }) }, count);
          }
        }
      },
    });
    return (first: string, second = '') => {
      let bySecond = counts.get(first);
      if (bySecond === undefined) {
        bySecond = new Map();
        counts.set(first, bySecond);
      }
      const known = bySecond.get(second);
      if (known === undefined) bySecond.set(second, { count: 1 });
      else known.count++;
    };
  };
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name: `${PREFIX}${name}`,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  /** What is counted elsewhere since the start. */
  const total = (name: string, help: string, read: () => number) =>
    new Counter({
      name: `${PREFIX}${name}`,
      help,
      registers: [registry],
      collect() {
        this.reset();
        this.inc(read());
      },
    });

  gauge('connections', 'Chargers connected now.', gauges.connections);
  gauge('outbox_pending_events', 'Events that Redis does not have yet.', gauges.pendingEvents);
  gauge('outbox_pending_bytes', 'Memory taken by events that Redis does not have yet.', gauges.pendingBytes);
  gauge('outbox_lag_seconds', 'Age of the oldest event that Redis does not have yet.', () => gauges.lagMs() / 1000);
  total('outbox_written_events_total', 'Events written to Redis.', gauges.writtenEvents);
  total('outbox_written_batches_total', 'Batches written to Redis.', gauges.writtenBatches);
  gauge(
    'tls_certificate_expiry_timestamp_seconds',
    'When the TLS certificate expires, Unix seconds; 0 if there is none.',
    () => Math.floor(gauges.certificateExpiresAtMs() / 1000),
  );
  gauge('healthy', '1 if the gateway is healthy, else 0.', () => (gauges.isHealthy() ? 1 : 0));
  new Gauge({
    name: `${PREFIX}operator_waiting_batches`,
    help: 'Batches in Redis that the operator has not taken yet.',
    labelNames: ['operator'],
    registers: [registry],
    async collect() {
      this.reset();
      const waiting = await gauges.waitingBatches().catch(() => []);
      for (const { operator, batches } of waiting) this.set({ operator }, batches);
    },
  });
  const latency = makeLatencyHistogram(`${PREFIX}answer_seconds`, 'From the arrival of a message to its answer.');

  return {
    message: tally('messages_total', 'Messages from chargers.', 'action', 'outcome'),
    badFrame: tally('bad_frames_total', 'Frames from chargers that were no message.', 'what'),
    refused: tally('refused_total', 'Connections that were not let in.', 'reason'),
    command: tally('commands_total', 'Commands to chargers.', 'action', 'end'),
    transactionGap: tally('transaction_gaps_total', 'Gaps in the numbers of transactions’ messages.', 'version'),
    approval: tally('approvals_total', "Operators' approvals of requests.", 'outcome'),
    latency: latency.observe,
    render: async () => ({
      contentType: registry.contentType,
      text: `${await registry.metrics()}\n${latency.render()}`,
    }),
  };
}
