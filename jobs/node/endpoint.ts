/** Where a call goes; never shown, as either part may hold a key. */
export interface Endpoint {
  /** Without user and password: `fetch` refuses them, with an error that shows them. */
  url: string;
  /** What the user and password in the URL become as an HTTP header; undefined without them. */
  authorization: string | undefined;
}

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/** Whether what a URL leads to is on this machine. */
export function isOnThisMachine(url: string): boolean {
  return LOOPBACK.test(new URL(url).hostname);
}

/** @param url - an http or https URL, which may hold a user and a password */
export function endpointOf(url: string): Endpoint {
  const parsed = new URL(url);
  const { username, password } = parsed;
  if (username === '' && password === '') return { url, authorization: undefined };
  parsed.username = '';
  parsed.password = '';
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { url: parsed.href, authorization: `Basic ${Buffer.from(pair, 'utf8').toString('base64')}` };
}
