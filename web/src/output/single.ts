/** One file by itself. */

import type { Out } from "./zip.ts";
import type { About, Sink, Writing } from "./sink.ts";

const ZEROS = new Uint8Array(1 << 20);

export class SingleSink implements Sink {
  constructor(private readonly out: Out) {}

  async folder(): Promise<void> {}

  async file(_path: string, { size }: About): Promise<Writing> {
    let written = 0;
    const fill = async (to: number): Promise<void> => {
      while (written < to) {
        const piece = ZEROS.slice(0, to - written);
        written += piece.length;
        await this.out.append(piece);
      }
    };
    return {
      write: async (offset, piece) => {
        await fill(offset);
        written += piece.length;
        await this.out.append(piece.slice());
      },
      end: async () => {
        await fill(size);
        await this.out.next(true);
      },
      drop: async () => undefined,
    };
  }

  async again(): Promise<null> {
    return null;
  }

  async symlink(): Promise<boolean> {
    return false;
  }

  async finish(): Promise<void> {}
}
