import { freePorts } from '../../network/ports.ts';

/** A TCP port of 127.0.0.1 that was free a moment ago. Where a server can listen on port 0 by itself, let it. */
export async function freePort(): Promise<number> {
  const [port = 0] = await freePorts(1);
  return port;
}
