/** Lagrange interpolation over GF(256), polynomial x^8 + x^4 + x^3 + x + 1, as SLIP-0039 has it. */

import type { Bytes } from "../bytes.ts";

const EXP: number[] = [];
const LOG: number[] = new Array<number>(256).fill(0);
for (let exponent = 0, power = 1; exponent < 255; exponent++) {
  EXP.push(power);
  LOG[power] = exponent;
  power = (power << 1) ^ power ^ (power & 0x80 ? 0x11b : 0);
}

export interface Point {
  readonly at: number;
  readonly value: Bytes;
}

/** The value at `where` of the polynomial through the points, which are at different places. */
export function interpolate(points: readonly Point[], where: number): Bytes {
  const there = points.find((point) => point.at === where);
  if (there) return there.value;
  const total = points.reduce((sum, point) => sum + LOG[point.at ^ where]!, 0);
  const result = new Uint8Array(points[0]!.value.length);
  for (const { at, value } of points) {
    const others = points.reduce((sum, other) => sum + (other.at === at ? 0 : LOG[at ^ other.at]!), 0);
    const basis = total - LOG[at ^ where]! - others;
    value.forEach((byte, index) => {
      if (byte) result[index]! ^= EXP[(((LOG[byte]! + basis) % 255) + 255) % 255]!;
    });
  }
  return result;
}
