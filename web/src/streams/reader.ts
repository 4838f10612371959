/** Reading a stream of pieces as if it were one. */

const EMPTY = new Uint8Array(0);

/** What was cut off in the middle. */
export class EndedEarly extends Error {}

export class ByteReader {
  private waiting: Uint8Array = EMPTY;

  constructor(private readonly pieces: AsyncIterator<Uint8Array>) {}

  /** At least one byte and at most so many; none at the end. What is given is a view, valid until the next call. */
  async some(most: number): Promise<Uint8Array> {
    while (!this.waiting.length) {
      const next = await this.pieces.next();
      if (next.done) return EMPTY;
      this.waiting = next.value;
    }
    const taken = this.waiting.subarray(0, most);
    this.waiting = this.waiting.subarray(taken.length);
    return taken;
  }

  /** So many bytes; null when nothing is left. */
  async exactly(count: number): Promise<Uint8Array | null> {
    if (this.waiting.length >= count) return this.some(count);
    const whole = new Uint8Array(count);
    let filled = 0;
    while (filled < count) {
      const piece = await this.some(count - filled);
      if (!piece.length && !filled) return null;
      if (!piece.length) throw new EndedEarly();
      whole.set(piece, filled);
      filled += piece.length;
    }
    return whole;
  }

  /** The next `count` bytes, in pieces. */
  async *part(count: number): AsyncGenerator<Uint8Array> {
    while (count > 0) {
      const piece = await this.some(count);
      if (!piece.length) throw new EndedEarly();
      count -= piece.length;
      yield piece;
    }
  }

  async skip(count: number): Promise<void> {
    for await (const piece of this.part(count)) void piece;
  }
}
