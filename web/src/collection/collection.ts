/**
 * A whole recovery conversation as a value: what was brought, what each thing is, what is still missing.
 *
 * Nothing here is believed: a manifest may be forged, a share may be wrong. `candidates` gives every secret that could be meant, and
 * whoever uses it proves which one opens something.
 */

import { type Bytes, hex } from "../bytes.ts";
import type { Material } from "../kits/folder.ts";
import { type KitInfo, type Member, readManifest } from "../kits/manifest.ts";
import { hashOf, readShare, type Share, ShareError, textOf } from "../shares/share.ts";
import { parseWords } from "../shares/words.ts";
import { secretsOf } from "./secrets.ts";

export type State = "good" | "duplicate" | "old-epoch" | "foreign" | "mistyped" | "damaged" | "no-share";

/** What one material is. `problem`: what is wrong with its words; `owner`: whose it is instead; `replaced`: the day of the newer set. */
export interface Finding {
  readonly label: string;
  readonly state: State;
  readonly steward: string | null;
  readonly epoch: number | null;
  readonly problem: ShareError | null;
  readonly owner: string;
  readonly replaced: string;
}

export interface Entry {
  readonly material: Material;
  readonly share: Share | null;
  readonly problem: ShareError | null;
  readonly info: KitInfo | null;
}

/** The shares of one secret. `info` is null while only words were brought and no manifest. */
export interface ShareSet {
  readonly identifier: number;
  readonly threshold: number;
  readonly info: KitInfo | null;
  readonly held: readonly string[];
  readonly missing: readonly Member[];
}

export class Collection {
  constructor(readonly entries: readonly Entry[] = []) {}

  /** The collection with one more material; bad material becomes a finding. */
  add(material: Material): Collection {
    return new Collection([...this.entries, read(material)]);
  }

  get findings(): Finding[] {
    return this.entries.map((entry, place) => this.finding(entry, place));
  }

  get shares(): Share[] {
    return this.entries.flatMap((entry) => (entry.share ? [entry.share] : []));
  }

  get keys(): Bytes[] {
    const keys = this.entries.flatMap(({ material }) => (material.key ? [material.key] : []));
    return [...new Map(keys.map((key) => [hex(key), key])).values()];
  }

  get configs(): { label: string; message: Bytes }[] {
    return this.entries.flatMap(({ material }) => (material.config ? [{ label: material.label, message: material.config }] : []));
  }

  get manifests(): KitInfo[] {
    return this.entries.flatMap((entry) => (entry.info ? [entry.info] : []));
  }

  /** The sets that shares were brought of: newest epoch first, then the one of which most is there. */
  get sets(): ShareSet[] {
    const found = [...new Set(this.shares.map((share) => share.identifier))].map((identifier) => this.set(identifier));
    return found.sort(
      (one, other) => epochOf(other) - epochOf(one) || other.held.length - one.held.length || one.identifier - other.identifier,
    );
  }

  /** The set that this recovery is about: that of the owner of whom most shares are there, the newest epoch. */
  get main(): ShareSet | null {
    const { sets } = this;
    const counts = new Map<string, number>();
    for (const each of sets) if (each.info) counts.set(each.info.ownerId, (counts.get(each.info.ownerId) ?? 0) + each.held.length);
    const owner = first([...counts], ([, count]) => count)?.[0];
    return (owner === undefined ? first(sets, (each) => each.held.length) : sets.find((each) => each.info?.ownerId === owner)) ?? null;
  }

  /** Every secret that enough of these shares give, the newest epoch first; one forged share does not stop the others. */
  *candidates(): Generator<{ set: ShareSet; secret: Bytes }> {
    for (const set of this.sets) {
      const given = new Set<string>();
      for (const secret of this.secretsIn(set)) {
        if (!given.has(hex(secret))) yield { set, secret };
        given.add(hex(secret));
      }
    }
  }

  /** A share may lie about how many are needed, so each number that is claimed is tried by itself. */
  private *secretsIn(set: ShareSet): Generator<Bytes> {
    const shares = distinct(this.shares.filter((share) => share.identifier === set.identifier));
    for (const threshold of new Set([set.threshold, ...shares.map((share) => share.threshold)])) {
      const agreeing = shares.filter((share) => share.threshold === threshold);
      const doubtful = agreeing.filter((share) => this.isDoubtful(share));
      yield* secretsOf([...agreeing.filter((share) => !doubtful.includes(share)), ...doubtful], threshold);
    }
  }

  private set(identifier: number): ShareSet {
    const shares = new Map(this.shares.flatMap((share) => (share.identifier === identifier ? [[share.member, share]] : [])));
    const info = this.infoOf(identifier);
    return {
      identifier,
      threshold: mostCommon([...shares.values()].map((share) => share.threshold))!,
      info,
      held: [...shares.values()].map((share) => this.holder(share)),
      missing: info?.set.shares.filter((member) => member.steward && !shares.has(member.member)) ?? [],
    };
  }

  /** What manifests say of a set; the one that most kits agree on, the latest written of those. */
  private infoOf(identifier: number): KitInfo | null {
    const infos = this.manifests.filter((info) => info.set.identifier === identifier);
    const common = mostCommon(infos.map(claim));
    const agreeing = infos.filter((info) => claim(info) === common);
    return agreeing.reduce<KitInfo | null>((best, info) => (best && best.written >= info.written ? best : info), null);
  }

  private member(share: Share): Member | undefined {
    return this.infoOf(share.identifier)?.set.shares.find((each) => each.member === share.member);
  }

  /** Whether a manifest names another share in its place: it is tried last. */
  private isDoubtful(share: Share): boolean {
    const member = this.member(share);
    return member !== undefined && member.sha256 !== hashOf(share);
  }

  private holder(share: Share): string {
    const entry = this.entries.find((each) => each.share && textOf(each.share) === textOf(share))!;
    return this.member(share)?.steward || entry.info?.stewardName || entry.material.label;
  }

  private finding(entry: Entry, place: number): Finding {
    const { share, info, material } = entry;
    const base = { label: material.label, problem: entry.problem, owner: "", replaced: "" };
    if (!share) return { ...base, state: withoutShare(entry), steward: info?.stewardName ?? null, epoch: info?.epoch ?? null };
    const named = info !== null || Boolean(this.member(share)?.steward);
    const epoch = this.infoOf(share.identifier)?.epoch ?? null;
    return { ...base, steward: named ? this.holder(share) : null, epoch, ...this.judged(share, place) };
  }

  private judged(share: Share, place: number): Pick<Finding, "state"> & Partial<Finding> {
    if (this.entries.slice(0, place).some((each) => each.share && textOf(each.share) === textOf(share))) return { state: "duplicate" };
    const main = this.main;
    if (main && main.identifier !== share.identifier) return this.ofAnotherSet(share, main);
    return { state: this.isDoubtful(share) ? "damaged" : "good" };
  }

  private ofAnotherSet(share: Share, main: ShareSet): Pick<Finding, "state"> & Partial<Finding> {
    const theirs = this.infoOf(share.identifier);
    if (!theirs || !main.info) return { state: "foreign" };
    if (theirs.ownerId !== main.info.ownerId) return { state: "foreign", owner: theirs.ownerName };
    return { state: "old-epoch", replaced: main.info.set.created.slice(0, 10) };
  }
}

function read(material: Material): Entry {
  const info = material.manifest ? readManifest(material.manifest) : null;
  if (!material.shareText?.trim()) return { material, share: null, problem: null, info };
  try {
    return { material, share: readShare(parseWords(material.shareText)), problem: null, info };
  } catch (problem) {
    if (!(problem instanceof ShareError)) throw problem;
    return { material, share: null, problem, info };
  }
}

function withoutShare({ material, problem }: Entry): State {
  if (!problem) return "no-share";
  return material.manifest || material.config ? "damaged" : "mistyped";
}

/** What every honest manifest of a set says the same. */
function claim(info: KitInfo): string {
  return JSON.stringify([info.ownerId, info.epoch, info.set.shares.map((share) => [share.member, share.sha256])]);
}

function epochOf(set: ShareSet): number {
  return set.info?.epoch ?? 0;
}

function distinct(shares: readonly Share[]): Share[] {
  return [...new Map(shares.map((share) => [textOf(share), share])).values()];
}

/** The first of those that have most. */
function first<T>(all: readonly T[], size: (each: T) => number): T | undefined {
  return all.reduce<T | undefined>((best, each) => (best === undefined || size(each) > size(best) ? each : best), undefined);
}

function mostCommon<T>(values: readonly T[]): T | undefined {
  const counts = new Map<T, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return first([...counts], ([, count]) => count)?.[0];
}
