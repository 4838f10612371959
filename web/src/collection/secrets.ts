/** The secrets of every selection of shares; one forged share among enough good ones does no harm. */

import { type Bytes, hex } from "../bytes.ts";
import { combine } from "../shares/combine.ts";
import type { Share } from "../shares/share.ts";

/** More than any honest recovery needs: 12,870 ways to take 8 of 16. */
const MOST_SUBSETS = 20_000;

/** The secrets of every `threshold` of these shares; those that agree with one are not tried again among themselves. */
export function* secretsOf(shares: readonly Share[], threshold: number): Generator<Bytes> {
  if (ways(shares.length, threshold) > MOST_SUBSETS) shares = shares.slice(0, Math.max(threshold, 16));
  const known: Set<Share>[] = [];
  for (const subset of subsets(shares, threshold)) {
    if (new Set(subset.map((share) => share.member)).size < threshold) continue;
    if (known.some((agreeing) => subset.every((share) => agreeing.has(share)))) continue;
    const secret = combine(subset);
    if (!secret) continue;
    const same = shares.filter((share) => subset.includes(share) || agrees(secret, [...subset.slice(1), share]));
    known.push(new Set(same));
    yield secret;
  }
}

function agrees(secret: Bytes, shares: readonly Share[]): boolean {
  const other = combine(shares);
  return other !== null && hex(other) === hex(secret);
}

/** Every selection of `size`, in order. */
function* subsets<T>(all: readonly T[], size: number): Generator<T[]> {
  if (size === 0) yield [];
  for (let place = 0; size > 0 && place <= all.length - size; place++) {
    for (const rest of subsets(all.slice(place + 1), size - 1)) yield [all[place]!, ...rest];
  }
}

function ways(all: number, some: number): number {
  let count = 1;
  for (let step = 1; step <= some; step++) count = (count * (all - some + step)) / step;
  return all < some ? 0 : count;
}
