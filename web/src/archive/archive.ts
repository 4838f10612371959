/** An archive in a folder: which versions there are, what is in one, and getting it back. */

import type { Bytes } from "../bytes.ts";
import type { DataKey } from "../config/openpgp.ts";
import type { Sink } from "../output/sink.ts";
import type { Source } from "../places/source.ts";
import type { Engine, Listing, OnProgress, Report, Version } from "../restore/engine.ts";
import { chainOf, type Manifest, manifestName, readManifest, runOf, serialOf } from "./manifest.ts";
import { type Names, readNames } from "./names.ts";
import { Restore } from "./restore.ts";
import { Damaged, Volumes } from "./volumes.ts";

/** What the config has of one destination. */
export interface ArchiveKeys {
  readonly fingerprint: string;
  readonly verifyKey: string;
}

const LONGEST_MANIFEST = 64 * 1024 * 1024;

export class Archive implements Engine {
  private readonly volumes: Volumes;
  private readonly known = new Map<string, Names>();

  private constructor(
    private readonly newest: Manifest | null,
    private readonly manifests: ReadonlyMap<string, Manifest>,
    readonly damaged: readonly string[],
    source: Source,
    key: DataKey,
  ) {
    this.volumes = new Volumes(source, key);
  }

  /** Reads every manifest; those that are not signed with this key are told, and not used. */
  static async open(source: Source, keys: ArchiveKeys, key: DataKey): Promise<Archive> {
    const damaged: string[] = [];
    const manifests = new Map<string, Manifest>();
    for (const name of [...source.sizes.keys()].filter(isManifest)) {
      const content = await contentOf(source, name);
      const manifest = content && readManifest(content, keys.verifyKey);
      if (manifest && manifestName(manifest.run.id) === name && manifest.key === keys.fingerprint) manifests.set(manifest.run.id, manifest);
      else damaged.push(name);
    }
    const newest = [...manifests.values()].reduce<Manifest | null>((best, each) => (best && serialOf(best.run.id) > serialOf(each.run.id) ? best : each), null);
    return new Archive(newest, manifests, damaged, source, key);
  }

  get versions(): Version[] {
    if (!this.newest) return [];
    const { runs, run } = this.newest;
    return [...runs, run].filter(({ listed }) => listed).reverse().map((each) => {
      const { line, missing } = this.line(each.id);
      const parts = line.flatMap(({ names, volumes }) => [...volumes, names]);
      const broken = [...missing, ...parts.filter((part) => !this.volumes.isThere(part)).map(({ name }) => name)];
      return { id: each.id, time: each.time, files: each.files, bytes: each.bytes, missing: each.missing, label: "", broken };
    });
  }

  async list(version: string): Promise<Listing> {
    const { kinds, unread } = await this.names(version);
    return { entries: [...kinds].map(([path, kind]) => ({ path, kind: kind === "d" ? "folder" : kind === "o" ? "other" : "file", size: null })), unread };
  }

  async restore(version: string, chosen: ReadonlySet<string>, sink: Sink, progress: OnProgress): Promise<Report> {
    const names = await this.names(version);
    const { line, missing } = this.line(version);
    return new Restore(names, chosen, sink, this.volumes, progress).run(line, missing);
  }

  /** The runs that a version builds on, newest first, as far as their manifests are good; `missing`: those that are not. */
  private line(version: string): { line: Manifest[]; missing: string[] } {
    const newest = this.newest!;
    const runs = chainOf([...newest.runs, newest.run], version).reverse();
    const line: Manifest[] = [];
    for (const { id, sha256 } of runs) {
      const manifest = this.manifests.get(id);
      if (!manifest || (id !== newest.run.id && sha256 !== manifest.run.sha256)) return { line, missing: [manifestName(id)] };
      line.push(manifest);
    }
    return { line, missing: runs.length ? [] : [manifestName(version)] };
  }

  private async names(version: string): Promise<Names> {
    const manifest = this.line(version).line[0];
    if (!manifest) throw new Damaged(manifestName(version));
    const names = this.known.get(version) ?? readNames(await this.volumes.names(manifest));
    this.known.clear();
    this.known.set(version, names);
    return names;
  }
}

function isManifest(name: string): boolean {
  return runOf(name) !== null && name.endsWith(".manifest");
}

async function contentOf(source: Source, name: string): Promise<Bytes | null> {
  if (source.sizes.get(name)! > LONGEST_MANIFEST) return null;
  return source.read(name).catch(() => null);
}
