/** Zstandard, decompressed while it comes: few bytes at a time, because few bytes can become very many. */

import { Decompress, decompress } from "fzstd";
import { EndedEarly } from "./reader.ts";

const SLICE = 2048;
const MAGIC = 0xfd2fb528;
const LARGEST_BLOCK = 128 * 1024;

/** The decompressed pieces of a stream, frame after frame; throws when it is no Zstandard, or is cut off. */
export async function* inflated(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let ready: Uint8Array[] = [];
  const stream = new Decompress((piece) => void (piece.length && ready.push(piece)));
  let any = false;
  for await (const piece of pieces) {
    for (let place = 0; place < piece.length; place += SLICE) {
      any = true;
      stream.push(piece.subarray(place, place + SLICE));
      yield* ready;
      ready = [];
    }
  }
  if (!any) throw new EndedEarly();
  stream.push(new Uint8Array(0), true);
  yield* ready;
}

/** A whole text that must not become longer than `most`: neither does it while that is found out. */
export function inflateWhole(bytes: Uint8Array, most: number): Uint8Array {
  if (longest(bytes) > most + LARGEST_BLOCK) throw new EndedEarly();
  const whole = decompress(bytes);
  if (whole.length > most) throw new EndedEarly();
  return whole;
}

/** How long these frames can become at most, by the headers of their blocks (RFC 8878, 3.1.1): few bytes can stand for very many. */
export function longest(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let sum = 0;
  for (let at = 0; at < bytes.length; ) {
    if (view.getUint32(at, true) !== MAGIC) throw new RangeError();
    const descriptor = view.getUint8(at + 4);
    const single = (descriptor >> 5) & 1;
    const sized = descriptor >> 6;
    at += 5 + (1 - single) + [0, 1, 2, 4][descriptor & 3]! + (sized ? 1 << sized : single);
    for (let last = 0; !last; ) {
      const header = view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
      const kind = (header >> 1) & 3;
      const size = header >> 3;
      last = header & 1;
      at += 3 + (kind === 1 ? 1 : size);
      sum += kind === 2 ? LARGEST_BLOCK : size;
    }
    if (descriptor & 4) at += 4;
  }
  return sum;
}
