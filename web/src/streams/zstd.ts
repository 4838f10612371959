/** Zstandard, decompressed while it comes: few bytes at a time, because few bytes can become very many. */

import { Decompress, decompress } from "fzstd";
import { EndedEarly } from "./reader.ts";

const SLICE = 2048;

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

/** A whole text that must not become longer than `most`. */
export function inflateWhole(bytes: Uint8Array, most: number): Uint8Array {
  const whole = decompress(bytes);
  if (whole.length > most) throw new EndedEarly();
  return whole;
}
