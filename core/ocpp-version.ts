import { isObject } from './json.ts';

/** The versions of OCPP that are spoken here, by their WebSocket subprotocols; the preferred one first. */
export const OCPP_VERSIONS = ['ocpp2.1', 'ocpp2.0.1', 'ocpp1.6'] as const;

export type OcppVersion = (typeof OCPP_VERSIONS)[number];

/** The version a subprotocol stands for; undefined if it is none that is spoken here. */
export function versionOf(subprotocol: unknown): OcppVersion | undefined {
  return OCPP_VERSIONS.find((version) => version === subprotocol);
}

/** The subprotocol of a connection, from the frame of its `open` event, `{"subprotocol":"ocpp2.0.1"}`. */
export function subprotocolOf(openFrame: string): string | undefined {
  try {
    const opening: unknown = JSON.parse(openFrame);
    const subprotocol = isObject(opening) ? opening.subprotocol : undefined;
    return typeof subprotocol === 'string' ? subprotocol : undefined;
  } catch {
    return undefined;
  }
}
