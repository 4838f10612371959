/** Blobs of packs: each checked by its MAC and its SHA-256 before it is used, and looked for in every copy. */

import type { Bytes } from "../bytes.ts";
import { inflateWhole } from "../streams/zstd.ts";
import type { Index, Place } from "./index.ts";
import { type Objects, sha256 } from "./objects.ts";
import type { Seal } from "./seal.ts";

/** A part of a pack that is read at once. */
interface Run {
  readonly pack: string;
  readonly from: number;
  to: number;
}

const LARGEST_GAP = 256 * 1024;
const LONGEST_RUN = 8 << 20;
const CACHE = 128 << 20;

export class Blobs {
  private readonly runs = new Map<string, Run[]>();
  private readonly cache = new Map<Run, Bytes>();
  private cached = 0;

  constructor(
    private readonly objects: Objects,
    private readonly index: Index,
    private readonly seal: Seal,
    private readonly damaged: (name: string) => void,
  ) {}

  /** What will be wanted: blobs that lie close to each other in a pack are read at once. */
  plan(blobs: Iterable<string>): void {
    this.runs.clear();
    this.cache.clear();
    this.cached = 0;
    const places = [...new Set(blobs)].flatMap((blob) => this.index.places(blob).slice(0, 1));
    places.sort((one, other) => (one.pack < other.pack ? -1 : one.pack > other.pack ? 1 : one.offset - other.offset));
    for (const { pack, offset, length } of places) {
      const runs = this.runs.get(pack) ?? [];
      const last = runs[runs.length - 1];
      if (last && offset - last.to <= LARGEST_GAP && offset + length - last.from <= LONGEST_RUN) last.to = Math.max(last.to, offset + length);
      else runs.push({ pack, from: offset, to: offset + length });
      this.runs.set(pack, runs);
    }
  }

  /** The blob; null when no copy of it is whole. */
  async get(blob: string): Promise<Bytes | null> {
    for (const place of this.index.places(blob)) {
      const sealed = await this.sealed(place);
      const found = sealed && (await this.opened(sealed, place));
      if (found && (await sha256(found)) === blob) return found;
      this.damaged(this.index.fileOf(place.pack));
    }
    return null;
  }

  private async opened(sealed: Bytes, place: Place): Promise<Bytes | null> {
    const opened = await this.seal.open(sealed);
    if (!opened || !place.compressed) return opened;
    try {
      const whole = inflateWhole(opened, place.plain);
      return whole.length === place.plain ? (whole as Bytes) : null;
    } catch {
      return null;
    }
  }

  private async sealed({ pack, offset, length }: Place): Promise<Bytes | null> {
    const name = this.index.fileOf(pack);
    const run = this.runs.get(pack)?.find(({ from, to }) => from <= offset && offset + length <= to);
    if (!run) return this.objects.part(name, offset, offset + length);
    const bytes = this.cache.get(run) ?? (await this.objects.part(name, run.from, run.to));
    if (!bytes) return this.objects.part(name, offset, offset + length);
    this.remember(run, bytes);
    return bytes.subarray(offset - run.from, offset - run.from + length);
  }

  /** The least lately used one goes first. */
  private remember(run: Run, bytes: Bytes): void {
    if (!this.cache.delete(run)) this.cached += bytes.length;
    this.cache.set(run, bytes);
    for (const [old, content] of this.cache) {
      if (this.cached <= CACHE || old === run) break;
      this.cache.delete(old);
      this.cached -= content.length;
    }
  }
}
