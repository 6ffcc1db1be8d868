/** What signals come from. */
export interface Signals {
  on: (signal: 'SIGHUP', listener: () => void) => unknown;
}

/**
 * Has the gateway read its TLS files again at each SIGHUP. Until it has started a SIGHUP does nothing, where without a
 * listener it would end the process: it reads the files at the start anyway.
 *
 * @returns to be called once the gateway has started
 */
export function reloadAtHangUp(signals: Signals): (gateway: { reloadTls: () => void }) => void {
  let reload = (): void => undefined;
  signals.on('SIGHUP', () => reload());
  return (gateway) => {
    reload = gateway.reloadTls;
  };
}
