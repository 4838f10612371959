/**
 * A file in the browser's own storage (OPFS), where a page that is a file has one (Firefox): so a zip lies on the disk and not in memory. Used by the
 * worker. What is left of an earlier visit is removed at the start.
 */

import type { Out } from "./zip.ts";

interface Access {
  read(into: Uint8Array, where: { at: number }): number;
  write(piece: Uint8Array, where: { at: number }): number;
  flush(): void;
  close(): void;
}

type Handle = FileSystemFileHandle & { createSyncAccessHandle(): Promise<Access> };

const PREFIX = "paradux-";
const PIECE = 8 << 20;

/** Remove this file, or all that earlier restores have left. */
export async function forgetStored(only = PREFIX): Promise<void> {
  try {
    const root = (await navigator.storage.getDirectory()) as FileSystemDirectoryHandle & { keys(): AsyncIterable<string> };
    const names: string[] = [];
    for await (const name of root.keys()) names.push(name);
    for (const name of names) if (name.startsWith(only)) await root.removeEntry(name).catch(() => undefined);
  } catch {
    // there is no such storage here
  }
}

export async function storedFile(name: string): Promise<File> {
  return (await (await navigator.storage.getDirectory()).getFileHandle(name)).getFile();
}

export class StoredOut implements Out {
  private size = 0;

  private constructor(
    private name: string,
    private access: Access,
    private readonly ready: (name: string, last: boolean) => Promise<void>,
  ) {}

  /** Null where there is no such storage. `ready` is given the name of each file that is whole. */
  static async open(ready: (name: string, last: boolean) => Promise<void>): Promise<StoredOut | null> {
    try {
      const { name, access } = await fresh();
      return new StoredOut(name, access, ready);
    } catch {
      return null;
    }
  }

  async append(piece: Uint8Array): Promise<void> {
    this.write(piece, this.size);
    this.size += piece.length;
  }

  async replace(at: number, piece: Uint8Array): Promise<void> {
    this.write(piece, at);
  }

  async copy(from: number, to: number): Promise<void> {
    for (let at = from; at < to; at += PIECE) {
      const piece = new Uint8Array(Math.min(PIECE, to - at));
      if (this.access.read(piece, { at }) !== piece.length) throw new RangeError();
      await this.append(piece);
    }
  }

  async next(last: boolean): Promise<void> {
    this.access.flush();
    this.access.close();
    await this.ready(this.name, last);
    if (!last) ({ name: this.name, access: this.access } = await fresh());
    this.size = 0;
  }

  /** Of a restore that has failed or was stopped. */
  close(): void {
    this.access.close();
  }

  private write(piece: Uint8Array, at: number): void {
    if (this.access.write(piece, { at }) !== piece.length) throw new RangeError("there is no room left");
  }
}

async function fresh(): Promise<{ name: string; access: Access }> {
  const name = `${PREFIX}${Date.now()}-${Math.floor(Math.random() * 1e9)}`;
  const handle = (await (await navigator.storage.getDirectory()).getFileHandle(name, { create: true })) as Handle;
  return { name, access: await handle.createSyncAccessHandle() };
}
