/** A repository of restic in a folder, read only: which snapshots it has, what is in one, and getting it back. */

import type { Sink } from "../output/sink.ts";
import type { Source } from "../places/source.ts";
import type { Engine, Listing, OnProgress, Report, Version } from "../restore/engine.ts";
import { Blobs } from "./blobs.ts";
import { Index } from "./index.ts";
import { type Candidate, keyOf } from "./keys.ts";
import { Objects } from "./objects.ts";
import { Restore } from "./restore.ts";
import { type Snapshot, snapshotsIn } from "./snapshots.ts";
import { walk, type Walked } from "./trees.ts";

export class Repository implements Engine {
  private walked: { id: string; tree: Walked } | null = null;

  private constructor(
    readonly name: string,
    private readonly objects: Objects,
    private readonly index: Index,
    private readonly blobs: Blobs,
    private readonly snapshots: readonly Snapshot[],
    private readonly trouble: Set<string>,
  ) {}

  /** Opened by the first candidate that fits; else the names of key files that are damaged. */
  static async open(source: Source, candidates: readonly Candidate[]): Promise<Repository | readonly string[]> {
    const objects = new Objects(source);
    const key = await keyOf(objects, candidates);
    if (!key) return [...objects.damaged];
    const index = await Index.read(objects, key.seal);
    const trouble = new Set<string>();
    const blobs = new Blobs(objects, index, key.seal, (name) => trouble.add(name));
    const snapshots = await snapshotsIn(objects, index, blobs, key.seal);
    return new Repository(key.name, objects, index, blobs, snapshots, trouble);
  }

  get damaged(): string[] {
    return [...this.objects.damaged];
  }

  get versions(): Version[] {
    return this.snapshots.map(({ id, time, label, missing, files, bytes, tree }) => {
      const places = this.index.places(tree);
      const gone = places.filter((place) => !this.index.isThere(place)).map(({ pack }) => this.index.fileOf(pack));
      const broken = places.length && gone.length < places.length ? [] : gone.length ? gone : [tree];
      return { id, time, files, bytes, missing, label, broken };
    });
  }

  async list(version: string): Promise<Listing> {
    const { nodes } = await this.tree(version);
    const entries = nodes.map(({ path, kind, size }) => ({ path, kind: kind === "folder" || kind === "file" ? kind : ("other" as const), size }));
    return { entries, unread: [] };
  }

  async restore(version: string, chosen: ReadonlySet<string>, sink: Sink, progress: OnProgress): Promise<Report> {
    this.trouble.clear();
    const tree = await this.tree(version);
    return new Restore(tree, chosen, sink, this.index, this.blobs, this.trouble, progress).run();
  }

  private async tree(version: string): Promise<Walked> {
    if (this.walked?.id !== version) {
      const { tree } = this.snapshots.find(({ id }) => id === version)!;
      this.walked = { id: version, tree: await walk(tree, this.blobs) };
    }
    const [root] = this.walked!.tree.lost;
    if (root === "") throw new Error([...this.trouble].join(", "));
    return this.walked!.tree;
  }
}
