/** What an archive and a repository can both do. */

import type { Sink } from "../output/sink.ts";

export interface Version {
  readonly id: string;
  /** RFC 3339. */
  readonly time: string;
  /** Null: nobody knows before it is read. */
  readonly files: number | null;
  readonly bytes: number | null;
  /** Files that could not be read when it was made. */
  readonly missing: number;
  /** What a repository says of it: whose files, from which folder. */
  readonly label: string;
  /** Names of objects that it needs and that are missing here, or have another size. */
  readonly broken: readonly string[];
}

/** One thing in a version; paths are binary text; `other`: a link, device or pipe. `size` is null where nobody can tell before it is unpacked. */
export interface Entry {
  readonly path: string;
  readonly kind: "folder" | "file" | "other";
  readonly size: number | null;
}

export interface Listing {
  readonly entries: readonly Entry[];
  /** Paths that could not be read when the version was made. */
  readonly unread: readonly string[];
}

/** Why something of the choice is not there afterwards, or not whole (`holes`); `twin`: it is another name of a file that went into an earlier zip. */
export type Reason = "lost" | "holes" | "unread" | "outside" | "special" | "link" | "twin" | "refused";

/** `damaged`: objects that are missing or not what they were; `problems`: every path that is not whole, and why. */
export interface Report {
  readonly files: number;
  readonly bytes: number;
  readonly damaged: readonly string[];
  readonly problems: readonly { path: string; reason: Reason }[];
}

export interface Progress {
  readonly done: number;
  readonly total: number;
  readonly files: number;
  readonly path: string;
}

/** Throws when nobody wants it any more. */
export type OnProgress = (progress: Progress) => Promise<void>;

export interface Engine {
  /** Newest first. */
  readonly versions: readonly Version[];
  /** Things to be said of the place as a whole: names of objects that are not good. */
  readonly damaged: readonly string[];
  list(version: string): Promise<Listing>;
  /** `chosen`: paths, folders with what is in them; the empty one is everything. */
  restore(version: string, chosen: ReadonlySet<string>, sink: Sink, progress: OnProgress): Promise<Report>;
}

/** Collects a report. */
export class Reporter {
  files = 0;
  bytes = 0;
  private readonly damaged = new Set<string>();
  private readonly problems = new Map<string, Reason>();

  problem(path: string, reason: Reason): void {
    this.problems.set(path, reason);
  }

  damage(name: string): void {
    this.damaged.add(name);
  }

  get report(): Report {
    const problems = [...this.problems].map(([path, reason]) => ({ path, reason }));
    return { files: this.files, bytes: this.bytes, damaged: [...this.damaged], problems };
  }
}
