/** What somebody has chosen or dropped: files with their paths, a bounded number of them, those that lie highest first. */

export interface Chosen {
  readonly path: string;
  readonly file: File;
}

/** How much is looked at: a repository of a terabyte has 60,000 files. */
const MOST = 400_000;
const DEEPEST = 8;

/** The files of an input element, those of a folder with their paths. */
export function fromInput(files: FileList): Chosen[] {
  return Array.from(files, (file) => ({ path: file.webkitRelativePath || file.name, file })).slice(0, MOST);
}

/** A file, or a folder with `children`. */
interface Thing {
  readonly path: string;
  file(): Promise<File>;
  readonly children: (() => Promise<Thing[]>) | null;
}

/**
 * The files that were dropped, those of folders included. Chromium needs `getAsFileSystemHandle` for pages that are files themselves, the
 * others know `webkitGetAsEntry` only. All items must be asked before anything is awaited.
 */
export async function fromDrop(transfer: DataTransfer): Promise<Chosen[]> {
  const items = Array.from(transfer.items).filter((item) => item.kind === "file") as Item[];
  const asked = items.map((item) => ({
    handle: item.getAsFileSystemHandle?.() ?? Promise.resolve(null),
    entry: item.webkitGetAsEntry?.() ?? null,
    file: item.getAsFile(),
  }));
  const things: Thing[] = [];
  for (const { handle, entry, file } of asked) {
    const known = await handle.catch(() => null);
    if (known) things.push(ofHandle(known, ""));
    else if (entry?.isDirectory) things.push(ofEntry(entry, ""));
    else if (file) things.push({ path: file.name, file: async () => file, children: null });
  }
  return filesOf(things);
}

/** Level by level, so that what lies deep in one folder does not hide what lies high in another. */
async function filesOf(level: readonly Thing[]): Promise<Chosen[]> {
  const found: Chosen[] = [];
  for (let depth = 0; depth <= DEEPEST && level.length; depth++) {
    const below: Thing[] = [];
    for (const thing of level) {
      if (found.length + below.length >= MOST) return found;
      const { children, path } = thing;
      if (children) below.push(...(await children().catch(() => [])));
      else await thing.file().then((file) => found.push({ path, file }), () => undefined); // what cannot be read is as good as missing
    }
    level = below;
  }
  return found;
}

interface Handle {
  readonly kind: "file" | "directory";
  readonly name: string;
  getFile(): Promise<File>;
  values(): AsyncIterable<Handle>;
}

type Item = DataTransferItem & { getAsFileSystemHandle?(): Promise<Handle | null> };

function ofHandle(handle: Handle, folder: string): Thing {
  const path = folder + handle.name;
  const children = async (): Promise<Thing[]> => {
    const all: Thing[] = [];
    for await (const each of handle.values()) if (all.push(ofHandle(each, `${path}/`)) >= MOST) break;
    return all;
  };
  return { path, file: () => handle.getFile(), children: handle.kind === "directory" ? children : null };
}

function ofEntry(entry: FileSystemEntry, folder: string): Thing {
  const path = folder + entry.name;
  const children = async (): Promise<Thing[]> => (await entriesOf(entry as FileSystemDirectoryEntry)).map((each) => ofEntry(each, `${path}/`));
  const file = (): Promise<File> => new Promise((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
  return { path, file, children: entry.isDirectory ? children : null };
}

/** A reader gives at most a hundred at a time. */
async function entriesOf(directory: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = directory.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length || all.length >= MOST) return all;
    all.push(...some);
  }
}
