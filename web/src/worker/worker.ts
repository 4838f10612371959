/** The side that works: it opens archives and repositories, and reads and writes through the page. */

import { Archive } from "../archive/archive.ts";
import type { Bytes } from "../bytes.ts";
import { dataKey } from "../config/openpgp.ts";
import { Refused, type Sink } from "../output/sink.ts";
import { SingleSink } from "../output/single.ts";
import { StoredOut } from "../output/stored.ts";
import { type Out, ZipSink } from "../output/zip.ts";
import type { Source } from "../places/source.ts";
import type { Candidate } from "../repository/keys.ts";
import { Repository } from "../repository/repository.ts";
import type { Engine, Listing, Progress, Report, Version } from "../restore/engine.ts";
import { type End, Line } from "./line.ts";

/** What opens a place. */
export interface ArchiveOpening {
  readonly kind: "archive";
  readonly name: string;
  readonly fingerprint: string;
  readonly verifyKey: string;
  readonly privateKey: string;
  readonly passphrase: string;
}

export interface RepositoryOpening {
  readonly kind: "repository";
  readonly candidates: readonly Candidate[];
}

export type Opening = ArchiveOpening | RepositoryOpening;

/** `name`: which destination it is ("photos/drawer"); null when nothing opened it. */
export interface OpenedPlace {
  readonly name: string | null;
  readonly versions: readonly Version[];
  readonly damaged: readonly string[];
}

export type Target = { readonly kind: "folder" } | { readonly kind: "single" } | { readonly kind: "zip"; readonly limit: number };

export interface Restored extends Report {
  /** Paths that could not keep their names, and what they are called now. */
  readonly renamed: ReadonlyMap<string, string>;
}

const OFTEN = 100; // milliseconds between two words on how far it is

/** Serve the page at the other end. */
export function serve(end: End): void {
  const engines = new Map<number, Engine>();
  const line: Line = new Line(end, {
    open: async (id: number, opening: Opening, sizes: ReadonlyMap<string, number>): Promise<OpenedPlace> => {
      const { engine, name, damaged } = await opened(opening, sourceOf(line, id, sizes));
      if (engine) engines.set(id, engine);
      return { name: engine ? name : null, versions: engine?.versions ?? [], damaged };
    },
    list: (id: number, version: string): Promise<Listing> => engines.get(id)!.list(version),
    restore: async (id: number, version: string, chosen: readonly string[], target: Target): Promise<Restored> => {
      let last = 0;
      const tell = async (progress: Progress): Promise<void> => {
        if (Date.now() - last < OFTEN) return;
        last = Date.now();
        await line.ask("progress", progress);
      };
      const stored = target.kind === "folder" ? null : await StoredOut.open(async (name, isLast) => void (await line.ask("stored", name, isLast)));
      try {
        const sink = sinkOf(line, target, stored);
        const report = await engines.get(id)!.restore(version, new Set(chosen), sink, tell);
        return { ...report, renamed: sink.renamed ?? new Map() };
      } finally {
        stored?.close();
      }
    },
  });
}

interface Opened {
  readonly engine: Engine | null;
  readonly name: string;
  readonly damaged: readonly string[];
}

async function opened(opening: Opening, source: Source): Promise<Opened> {
  if (opening.kind === "repository") {
    const found = await Repository.open(source, opening.candidates);
    return found instanceof Repository ? { engine: found, name: found.name, damaged: found.damaged } : { engine: null, name: "", damaged: found };
  }
  const key = await dataKey(opening.privateKey, opening.passphrase, opening.fingerprint);
  const engine = key && (await Archive.open(source, opening, key));
  return { engine, name: opening.name, damaged: engine?.damaged ?? [] };
}

function sourceOf(line: Line, id: number, sizes: ReadonlyMap<string, number>): Source {
  return { sizes, read: (name, from, to) => line.ask("read", id, name, from, to) as Promise<Bytes> };
}

function sinkOf(line: Line, target: Target, stored: StoredOut | null): Sink {
  if (target.kind === "folder") return remoteSink(line);
  const out: Out = stored ?? {
    append: async (piece) => void (await line.ask("append", piece)),
    replace: async (at, piece) => void (await line.ask("replace", at, piece)),
    copy: async (from, to) => void (await line.ask("copy", from, to)),
    next: async (last) => void (await line.ask("next", last)),
  };
  return target.kind === "single" ? new SingleSink(out) : new ZipSink(out, target.limit);
}

/** A sink on the other side. */
function remoteSink(line: Line): Sink {
  const ask = async <T>(name: string, ...given: unknown[]): Promise<T> => {
    try {
      return (await line.ask(name, ...given)) as T;
    } catch (problem) {
      throw (problem as Error).message === "Refused" ? new Refused() : problem;
    }
  };
  return {
    folder: (path) => ask("folder", path),
    file: async (path, about) => {
      const file = await ask<number>("file", path, about);
      return {
        write: (offset, piece) => ask("write", file, offset, piece.slice()),
        end: () => ask("end", file),
        drop: () => ask("drop", file),
      };
    },
    again: (path, earlier) => ask("again", path, earlier),
    symlink: (path, target) => ask("symlink", path, target),
    finish: () => ask("finish"),
  };
}
