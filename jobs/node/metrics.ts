import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

export type Metrics = ReturnType<typeof makeMetrics>;

/** The job node's metrics, in a registry of their own so that several nodes can run in one process. */
export function makeMetrics(now: {
  activeRuns: () => number;
  txs: () => { queued: number; sent: number };
  awaitedAnswers: () => number;
  alerts: () => number;
}) {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  new Gauge({
    name: 'devsen_jobs_active_runs',
    help: 'Runs being worked on',
    registers,
    collect() {
      this.set(now.activeRuns());
    },
  });
  new Gauge({
    name: 'devsen_jobs_txs',
    help: 'Txs waiting for a nonce (queued) or to be mined (sent)',
    labelNames: ['state'],
    registers,
    collect() {
      const { queued, sent } = now.txs();
      this.set({ state: 'queued' }, queued);
      this.set({ state: 'sent' }, sent);
    },
  });
  new Gauge({
    name: 'devsen_jobs_awaited_answers',
    help: 'Bridges that said they answer later and have not yet',
    registers,
    collect() {
      this.set(now.awaitedAnswers());
    },
  });
  new Gauge({
    name: 'devsen_jobs_alerts',
    help: 'Things that an operator must look at; /health says which',
    registers,
    collect() {
      this.set(now.alerts());
    },
  });
  return {
    registry,
    head: new Gauge({ name: 'devsen_jobs_chain_head', help: 'Number of the newest block seen', registers }),
    ended: new Counter({ name: 'devsen_jobs_runs_total', help: 'Runs ended', labelNames: ['job', 'state'], registers }),
    refused: new Counter({
      name: 'devsen_jobs_refused_total',
      help: 'Requests not taken',
      labelNames: ['why'],
      registers,
    }),
    reorgDepth: new Histogram({
      name: 'devsen_jobs_reorg_depth_blocks',
      help: 'Blocks that were replaced, for each reorg seen',
      buckets: [1, 2, 3, 5, 10, 50],
      registers,
    }),
    sender: new Counter({
      name: 'devsen_jobs_tx_events_total',
      help: 'What happened to txs',
      labelNames: ['event'],
      registers,
    }),
    balance: new Gauge({
      name: 'devsen_jobs_balance_eth',
      help: "Balance of a sending account, in the chain's coin",
      labelNames: ['account'],
      registers,
    }),
  };
}
