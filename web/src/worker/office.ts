/** The page's side of its worker: it gives it what it asks for. */

import { Download } from "../output/download.ts";
import { type Folder, FolderSink } from "../output/folder.ts";
import type { About, Writing } from "../output/sink.ts";
import { forgetStored, storedFile } from "../output/stored.ts";
import type { Listing, Progress } from "../restore/engine.ts";
import { Line } from "./line.ts";
import { type OpenedPlace, type Opening, type Restored, serve, type Target } from "./worker.ts";

/** Files of places by their names there. */
export type Files = ReadonlyMap<string, File>;

/** Where restored files go: a folder, or files that `ready` is given one after the other. */
export type Destination =
  | { readonly kind: "folder"; readonly folder: Folder }
  | { readonly kind: "zip"; readonly limit: number; ready(file: Blob, last: boolean): Promise<void> }
  | { readonly kind: "single"; ready(file: Blob, last: boolean): Promise<void> };

/** Somebody does not want it any more. */
export class Stopped extends Error {}

export class Office {
  private readonly places: Files[] = [];
  private readonly line: Line;
  private download: Download | null = null;
  private ready: (file: Blob, last: boolean) => Promise<void> = async () => undefined;
  private folder: FolderSink | null = null;
  private files: Writing[] = [];
  private onProgress: (progress: Progress) => void = () => undefined;
  private stopped = false;

  constructor() {
    void forgetStored();
    addEventListener("pagehide", () => void forgetStored());
    const going = <G extends unknown[], T>(action: (...given: G) => T): ((...given: G) => T) => (...given) => {
      if (this.stopped) throw new Stopped("stopped");
      return action(...given);
    };
    this.line = new Line(newWorker(), {
      read: async (id: number, name: string, from?: number, to?: number) => {
        const file = this.places[id]!.get(name)!;
        return new Uint8Array(await (from === undefined ? file : file.slice(from, to)).arrayBuffer());
      },
      progress: going((progress: Progress) => this.onProgress(progress)),
      stored: going(async (name: string, last: boolean) => {
        await this.ready(await storedFile(name), last);
        if (!last) await forgetStored(name); // somebody has said that it is saved
      }),
      append: going((piece: Uint8Array) => this.download!.append(piece)),
      replace: going((at: number, piece: Uint8Array) => this.download!.replace(at, piece)),
      copy: going((from: number, to: number) => this.download!.copy(from, to)),
      next: going((last: boolean) => this.download!.next(last)),
      folder: going((path: string) => this.folder!.folder(path)),
      file: going(async (path: string, about: About) => this.files.push(await this.folder!.file(path, about)) - 1),
      write: going((file: number, offset: number, piece: Uint8Array) => this.files[file]!.write(offset, piece)),
      end: (file: number) => this.files[file]!.end(),
      drop: (file: number) => this.files[file]!.drop(),
      again: going((path: string, earlier: string) => this.folder!.again(path, earlier)),
      symlink: () => false,
      finish: () => undefined,
    });
  }

  async open(opening: Opening, files: Files): Promise<OpenedPlace & { id: number }> {
    const id = this.places.push(files) - 1;
    const sizes = new Map([...files].map(([name, { size }]) => [name, size]));
    return { ...((await this.line.ask("open", id, opening, sizes)) as OpenedPlace), id };
  }

  list(id: number, version: string): Promise<Listing> {
    return this.line.ask("list", id, version) as Promise<Listing>;
  }

  /** One at a time. Throws when it was stopped, and when what is written to fails. */
  async restore(id: number, version: string, chosen: readonly string[], to: Destination, onProgress: (progress: Progress) => void): Promise<Restored> {
    this.stopped = false;
    this.files = [];
    this.onProgress = onProgress;
    this.folder = to.kind === "folder" ? new FolderSink(to.folder) : null;
    this.ready = to.kind === "folder" ? this.ready : to.ready;
    this.download = new Download(this.ready);
    const target: Target = to.kind === "zip" ? { kind: to.kind, limit: to.limit } : { kind: to.kind };
    const restored = (await this.line.ask("restore", id, version, chosen, target)) as Restored;
    return { ...restored, renamed: this.folder?.renamed ?? restored.renamed };
  }

  stop(): void {
    this.stopped = true;
  }
}

/** The same script in a worker; here, where the browser lets no worker run. */
function newWorker(): Worker | MessagePort {
  try {
    const script = new Blob([document.querySelector("body > script")!.textContent!], { type: "text/javascript" });
    return new Worker(URL.createObjectURL(script));
  } catch {
    const { port1, port2 } = new MessageChannel();
    serve(port1);
    return port2;
  }
}
