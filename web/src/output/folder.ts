/** A folder that somebody has chosen (File System Access). Nothing that is in it is touched: all goes into a new folder of its own. */

import { parentOf, shown } from "../paths.ts";
import { type About, Refused, type Sink, type Writing } from "./sink.ts";

/** What TypeScript does not know of it. */
export interface Folder {
  readonly name: string;
  getDirectoryHandle(name: string, options?: { create: boolean }): Promise<Folder>;
  getFileHandle(name: string, options?: { create: boolean }): Promise<FileHandle>;
  removeEntry(name: string): Promise<void>;
}

interface FileHandle {
  getFile(): Promise<File>;
  createWritable(): Promise<Writable>;
}

interface Writable {
  write(what: { type: "write"; position: number; data: BufferSource | Blob } | { type: "truncate"; size: number }): Promise<void>;
  close(): Promise<void>;
  abort(): Promise<void>;
}

/** The chooser of folders to write to; null where the browser has none. */
export function folderChooser(): (() => Promise<Folder>) | null {
  const { showDirectoryPicker } = globalThis as { showDirectoryPicker?: (options: object) => Promise<Folder> };
  return showDirectoryPicker ? () => showDirectoryPicker({ mode: "readwrite", id: "paradux" }) : null;
}

/** A new folder of this name in it; with a number behind it where there is one already. */
export async function newFolder(folder: Folder, name: string): Promise<Folder> {
  for (let number = 1; ; number++) {
    const wanted = number > 1 ? `${name} (${number})` : name;
    if (!(await isThere(folder, wanted))) return folder.getDirectoryHandle(wanted, { create: true });
  }
}

async function isThere(folder: Folder, name: string): Promise<boolean> {
  try {
    await folder.getDirectoryHandle(name);
    return true;
  } catch (problem) {
    if ((problem as DOMException).name === "TypeMismatchError") return true;
    if ((problem as DOMException).name === "NotFoundError") return false;
    throw problem;
  }
}

export class FolderSink implements Sink {
  private readonly folders = new Map<string, Folder>();
  /** Names that are taken in a folder, as systems that do not tell capitals apart see them. */
  private readonly taken = new Map<string, string>();
  /** What each path became. */
  private readonly files = new Map<string, FileHandle>();
  /** Paths that could not keep their names, and what they are called now. */
  readonly renamed = new Map<string, string>();

  constructor(root: Folder) {
    this.folders.set("", root);
  }

  async folder(path: string): Promise<void> {
    if (this.folders.has(path)) return;
    const parent = await this.parent(path);
    this.folders.set(path, await refusing(this.named(path, (name) => parent.getDirectoryHandle(name, { create: true }))));
  }

  async file(path: string, { size }: About): Promise<Writing> {
    const parent = await this.parent(path);
    let given = "";
    const handle = await refusing(this.named(path, (name) => parent.getFileHandle((given = name), { create: true })));
    const stream = await handle.createWritable();
    return {
      write: (position, piece) => stream.write({ type: "write", position, data: piece as Uint8Array<ArrayBuffer> }),
      end: async () => {
        await stream.write({ type: "truncate", size });
        await stream.close();
        this.files.set(path, handle);
      },
      drop: async () => {
        await stream.abort();
        await parent.removeEntry(given);
      },
    };
  }

  async again(path: string, earlier: string): Promise<number | null> {
    const found = this.files.get(earlier);
    if (!found) return null;
    const content = await found.getFile();
    const writing = await this.file(path, { size: content.size, time: 0, mode: 0 });
    for (let at = 0; at < content.size; at += 8 << 20) await writing.write(at, new Uint8Array(await content.slice(at, at + (8 << 20)).arrayBuffer()));
    await writing.end();
    return content.size;
  }

  async symlink(): Promise<boolean> {
    return false;
  }

  async finish(): Promise<void> {}

  private async parent(path: string): Promise<Folder> {
    const parent = parentOf(path);
    if (!this.folders.has(parent)) await this.folder(parent);
    return this.folders.get(parent)!;
  }

  /** Make something under a name that this system allows, and that nothing else has here. */
  private async named<T>(path: string, make: (name: string) => Promise<T>): Promise<T> {
    const own = shown(path.slice(parentOf(path).length).replace(/^\//, ""));
    const plain = own.replace(/[\x00-\x1f\x7f"*/:<>?\\|]/g, (letter) => `%${letter.charCodeAt(0).toString(16).padStart(2, "0").toUpperCase()}`);
    const harmless = plain.replace(/[. ]$/, (letter) => (letter === "." ? "%2E" : "%20")).replace(/^((con|prn|aux|nul|com\d|lpt\d)(\.|$))/i, "_$1");
    for (const wanted of new Set([own, harmless])) {
      const name = this.free(path, wanted);
      try {
        const made = await make(name);
        this.taken.set(this.slot(path, name), path);
        if (name !== own) this.renamed.set(path, name);
        return made;
      } catch (problem) {
        if (wanted === harmless || !(problem instanceof TypeError)) throw problem;
      }
    }
    throw new Refused();
  }

  private free(path: string, wanted: string): string {
    for (let number = 1; ; number++) {
      const name = number > 1 ? `${wanted} (${number})` : wanted;
      if (!this.taken.has(this.slot(path, name))) return name;
    }
  }

  private slot(path: string, name: string): string {
    return `${parentOf(path)}/${name.normalize("NFC").toLowerCase()}`;
  }
}

/** A name that the system does not take concerns this one path only. */
async function refusing<T>(made: Promise<T>): Promise<T> {
  try {
    return await made;
  } catch (problem) {
    if (problem instanceof TypeError || ["TypeMismatchError", "NotFoundError", "SecurityError"].includes((problem as DOMException).name)) throw new Refused();
    throw problem;
  }
}
