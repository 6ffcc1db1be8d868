/** What only some servers can be told to do; each is answered once it is done. */
export type MoreOrders = Record<string, (order: Record<string, unknown>) => void>;

/**
 * What both servers of the benchmark say to the process that runs it: the URL once they listen, and on demand the CPU
 * time they used (all threads) and the memory they hold once garbage is gone.
 */
export function reportServer(url: string, close: () => Promise<void>, more: MoreOrders = {}): void {
  process.on('message', (order: { do: string }) => {
    const other = more[order.do];
    if (other !== undefined) {
      other(order);
      process.send?.({});
    }
    if (order.do === 'usage') {
      const { user, system } = process.cpuUsage();
      process.send?.({ cpuUs: user + system, rssBytes: process.memoryUsage.rss() });
    }
    if (order.do === 'memory') {
      for (let i = 0; i < 3; i++) globalThis.gc?.();
      process.send?.({ rssBytes: process.memoryUsage.rss() });
    }
    if (order.do === 'stop') void close().then(() => process.disconnect());
  });
  process.send?.({ url });
}
