import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { IngestCounts } from './ingest.ts';

export interface AdapterMetrics {
  registry: Registry;
  ingest: IngestCounts;
  /** Messages whose text was deleted for its age. */
  emptied: (count: number) => void;
  answered: (endpoint: string, statusCode: number, seconds: number) => void;
}

/** What is read when the metrics are asked for. */
export interface MetricSources {
  gateways: () => { account: string; lagMs: number; parked: number; isFollowed: boolean }[];
  convicted: () => number;
  waiting: () => number;
}

/** The adapter's metrics, in a registry of their own: several adapters can live in one process. */
export function makeAdapterMetrics(sources: MetricSources): AdapterMetrics {
  const registry = new Registry();
  const registers = [registry];
  const batches = new Counter({
    name: 'devsen_adapter_batches_total',
    help: 'Batches by what became of them',
    labelNames: ['outcome'],
    registers,
  });
  const events = new Counter({ name: 'devsen_adapter_events_total', help: 'Charger events taken in', registers });
  const unusable = new Counter({
    name: 'devsen_adapter_unusable_events_total',
    help: 'Charger events that say nothing that can be used, by OCPP action',
    labelNames: ['action'],
    registers,
  });
  const emptied = new Counter({
    name: 'devsen_adapter_emptied_messages_total',
    help: 'Charger messages whose text was deleted for its age',
    registers,
  });
  const answers = new Histogram({
    name: 'devsen_adapter_answer_seconds',
    help: 'Time from question to answer, waiting included',
    labelNames: ['endpoint', 'status'],
    buckets: [0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10, 20],
    registers,
  });
  new Gauge({
    name: 'devsen_adapter_gateway_lag_seconds',
    help: "How far a gateway's last watermark lies behind this operator's clock",
    labelNames: ['gateway'],
    registers,
    collect() {
      this.reset();
      for (const { account, lagMs } of sources.gateways()) this.set({ gateway: account }, lagMs / 1000);
    },
  });
  new Gauge({
    name: 'devsen_adapter_parked_batches',
    help: 'Batches that wait for one before them or for the registration of their key',
    labelNames: ['gateway'],
    registers,
    collect() {
      this.reset();
      for (const { account, parked } of sources.gateways()) this.set({ gateway: account }, parked);
    },
  });
  new Gauge({
    name: 'devsen_adapter_convicted_gateways',
    help: 'Gateways that signed batches which contradict each other',
    registers,
    collect() {
      this.set(sources.convicted());
    },
  });
  new Gauge({
    name: 'devsen_adapter_waiting_questions',
    help: 'Questions that wait for the record to be complete',
    registers,
    collect() {
      this.set(sources.waiting());
    },
  });
  return {
    registry,
    ingest: {
      batch: (outcome) => batches.inc({ outcome }),
      events: (count) => events.inc(count),
      unusable: (action) => unusable.inc({ action }),
    },
    emptied: (count) => emptied.inc(count),
    answered: (endpoint, statusCode, seconds) => answers.observe({ endpoint, status: `${statusCode}` }, seconds),
  };
}
