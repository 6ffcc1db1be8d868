import { describe, expect, it } from '@jest/globals';
import { Histogram, Registry } from 'prom-client';
import { makeLatencyHistogram } from '../../ocpp-gateway/latency-histogram.ts';

describe('the histogram of answers', () => {
  it('says the same as that of prom-client, byte for byte', async () => {
    const registry = new Registry();
    const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
    const theirs = new Histogram({ name: 'answer_seconds', help: 'Help.', buckets, registers: [registry] });
    const ours = makeLatencyHistogram('answer_seconds', 'Help.');
    for (const seconds of [0, 0.001, 0.0011, 0.3, 0.3, 30, 31]) {
      theirs.observe(seconds);
      ours.observe(seconds);
    }
    expect(ours.render()).toBe(await registry.metrics());
  });
});
