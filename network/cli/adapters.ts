const ASK_LIMIT_MS = 5_000;

/**
 * What operators' public records say, each asked for itself; undefined of one that does not answer, or has nothing there.
 *
 * @param urls - base URLs of their adapters
 * @param path - from `/v1/…` on
 */
export async function askAdapters<T>(
  urls: readonly string[],
  path: string,
  headers: Record<string, string> = {},
): Promise<(T | undefined)[]> {
  return Promise.all(
    urls.map(async (url) => {
      try {
        const signal = AbortSignal.timeout(ASK_LIMIT_MS);
        const response = await fetch(`${url.replace(/\/$/, '')}${path}`, { headers, signal });
        return response.ok ? ((await response.json()) as T) : undefined;
      } catch {
        return undefined;
      }
    }),
  );
}
