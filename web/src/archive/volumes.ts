/** Objects of an archive: nothing of one is used before all of it has the size and the SHA-256 that the signed manifest says. */

import { hex, type Bytes } from "../bytes.ts";
import type { DataKey } from "../config/openpgp.ts";
import type { Source } from "../places/source.ts";
import { inflated } from "../streams/zstd.ts";
import type { Manifest, Part } from "./manifest.ts";

/** An object that is missing, or is not what was put there. */
export class Damaged extends Error {
  constructor(readonly object: string) {
    super(`${object} is missing or damaged`);
  }
}

const LONGEST_VOLUME = 256 * 1024 * 1024;
const LONGEST_NAMES = 1024 * 1024 * 1024;

export class Volumes {
  constructor(
    private readonly source: Source,
    private readonly key: DataKey,
  ) {}

  /** Whether it is there in its size. */
  isThere({ name, size }: Part): boolean {
    return this.source.sizes.get(name) === size;
  }

  /** An object, checked and decrypted. */
  async plain(part: Part): Promise<Bytes> {
    if (!this.isThere(part) || part.size > LONGEST_VOLUME) throw new Damaged(part.name);
    const sealed = await this.source.read(part.name).catch(() => null);
    if (sealed?.length !== part.size || hex(new Uint8Array(await crypto.subtle.digest("SHA-256", sealed))) !== part.sha256) throw new Damaged(part.name);
    const opened = await this.key.open(sealed);
    if (!opened) throw new Damaged(part.name);
    return opened;
  }

  /** The tar stream of a run; `read` hears of the bytes of each volume. */
  stream(manifest: Manifest, read: (bytes: number) => void): AsyncGenerator<Uint8Array> {
    const { plain } = this;
    const self = this;
    async function* volumes(): AsyncGenerator<Uint8Array> {
      for (const part of manifest.volumes) {
        yield await plain.call(self, part);
        read(part.size);
      }
    }
    return inflated(volumes());
  }

  /** The records of a run's names. */
  async names(manifest: Manifest): Promise<Uint8Array> {
    const sealed = await this.plain(manifest.names);
    const pieces: Uint8Array[] = [];
    let length = 0;
    for await (const piece of inflated(once(sealed))) {
      length += piece.length;
      if (length > LONGEST_NAMES) throw new Damaged(manifest.names.name);
      pieces.push(piece);
    }
    const whole = new Uint8Array(length);
    for (const piece of pieces.reverse()) whole.set(piece, (length -= piece.length));
    return whole;
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
