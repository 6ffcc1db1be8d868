/** Where firmware comes from and logs go to. */
export interface FileTransfer {
  /** @throws Error if there is nothing to be had there */
  download: (location: string) => Promise<Uint8Array>;
  /** @throws Error if it is not taken */
  upload: (location: string, name: string, text: string) => Promise<void>;
}

const TIMEOUT_MS = 30_000;
const MOST_BYTES = 64 << 20;

/** By HTTP: a file is got from its location, and put to a location under its name. */
export const httpTransfer: FileTransfer = {
  download: async (location) => {
    const response = await fetch(onlyHttp(location), { signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    if (Number(response.headers.get('content-length')) > MOST_BYTES) throw new RangeError('the file is too long');
    return new Uint8Array(await response.arrayBuffer());
  },
  upload: async (location, name, body) => {
    const url = onlyHttp(location);
    url.pathname = `${url.pathname.replace(/\/$/, '')}/${encodeURIComponent(name)}`;
    const response = await fetch(url, { method: 'PUT', body, signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
  },
};

function onlyHttp(location: string): URL {
  const url = new URL(location);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new Error(`cannot do ${url.protocol}`);
  return url;
}
