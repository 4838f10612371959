/** An archive in a folder: which versions there are, what is in one, and getting it back. */

import type { Bytes } from "../bytes.ts";
import type { DataKey } from "../config/openpgp.ts";
import type { Sink } from "../output/sink.ts";
import type { Source } from "../places/source.ts";
import type { Engine, Listing, OnProgress, Report, Version } from "../restore/engine.ts";
import { chainOf, listName, type Manifest, manifestName, readManifest, runOf, serialOf } from "./manifest.ts";
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

  /** Reads every manifest, and the list of the newest run; those that are not signed with this key are told, and not used. */
  static async open(source: Source, keys: ArchiveKeys, key: DataKey): Promise<Archive> {
    const damaged: string[] = [];
    const manifests = new Map<string, Manifest>();
    const read = async (name: string): Promise<Manifest | null> => {
      const content = await contentOf(source, name);
      const found = content && readManifest(content, keys.verifyKey);
      if (found && [manifestName, listName][+found.isList]!(found.run.id) === name && found.key === keys.fingerprint) return found;
      damaged.push(name);
      return null;
    };
    for (const name of [...source.sizes.keys()].filter(isManifest)) {
      const manifest = await read(name);
      if (manifest) manifests.set(manifest.run.id, manifest);
    }
    const known = [...manifests.values()].sort((one, other) => serialOf(one.run.id) - serialOf(other.run.id));
    const last = known.at(-1) ?? null;
    const list = last && listName(last.run.id);
    const listed = list && source.sizes.has(list) ? await read(list) : null;
    const newest = last?.isWhole === false ? (listed ?? gathered(known)) : last;
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

/** The last of these manifests, with all runs that they tell of: only those that have a manifest are versions. */
function gathered(known: readonly Manifest[]): Manifest {
  const named = known.flatMap(({ runs }) => runs.map((run) => ({ ...run, listed: false })));
  return { ...known.at(-1)!, runs: [...named, ...known.slice(0, -1).map(({ run }) => run)] };
}

function isManifest(name: string): boolean {
  return runOf(name) !== null && name.endsWith(".manifest");
}

async function contentOf(source: Source, name: string): Promise<Bytes | null> {
  if (source.sizes.get(name)! > LONGEST_MANIFEST) return null;
  return source.read(name).catch(() => null);
}
