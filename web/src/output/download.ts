/** Files that the browser saves: kept by it until somebody takes them. */

import type { Out } from "./zip.ts";

interface Piece {
  readonly at: number;
  blob: Blob;
}

/** `ready` is given each file when it is whole, and ends when it was taken. */
export class Download implements Out {
  private pieces: Piece[] = [];
  private readonly places = new Map<number, Piece>();
  private size = 0;

  constructor(private readonly ready: (file: Blob, last: boolean) => Promise<void>) {}

  async append(bytes: Uint8Array): Promise<void> {
    this.add(new Blob([bytes as Uint8Array<ArrayBuffer>]));
  }

  async replace(at: number, bytes: Uint8Array): Promise<void> {
    this.places.get(at)!.blob = new Blob([bytes as Uint8Array<ArrayBuffer>]);
  }

  async copy(from: number, to: number): Promise<void> {
    for (const { at, blob } of [...this.pieces]) {
      const [start, end] = [Math.max(from, at), Math.min(to, at + blob.size)];
      if (start < end) this.add(blob.slice(start - at, end - at));
    }
  }

  async next(last: boolean): Promise<void> {
    const whole = new Blob(this.pieces.map(({ blob }) => blob));
    this.pieces = [];
    this.places.clear();
    this.size = 0;
    await this.ready(whole, last);
  }

  private add(blob: Blob): void {
    const piece = { at: this.size, blob };
    this.pieces.push(piece);
    this.places.set(piece.at, piece);
    this.size += blob.size;
  }
}
