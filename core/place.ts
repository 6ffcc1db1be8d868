/** Where an event stands among a charger's events. */
export interface PlaceAt {
  gateway: string;
  chapter: number;
  epoch: number;
  /** From when it counts, Unix ms. */
  atMs: number;
  seq: number;
}

/** Whether an event stands after another: by epoch, time, gateway, place in the connection. */
export function isAfter(one: PlaceAt, other: PlaceAt): boolean {
  if (one.epoch !== other.epoch) return one.epoch > other.epoch;
  if (one.atMs !== other.atMs) return one.atMs > other.atMs;
  if (one.gateway !== other.gateway) return one.gateway > other.gateway;
  return one.seq > other.seq;
}

export function isSamePlace(one: PlaceAt, other: PlaceAt): boolean {
  return !isAfter(one, other) && !isAfter(other, one);
}
