/**
 * Whether a version is at least another: 'v24.9.1' is not at least '24.12'. Parts that are left out count as 0.
 */
export function isAtLeast(version, least) {
  const [have, need] = [version, least].map((text) => text.replace(/^v/, '').split('.').map(Number));
  for (const [i, part] of need.entries()) {
    const mine = have[i] ?? 0;
    if (mine !== part) return mine > part;
  }
  return true;
}
