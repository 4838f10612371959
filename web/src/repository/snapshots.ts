/** Which snapshots there are; and where their files are gone, which trees must have been roots. */

import { isObject, type JsonObject } from "../json.ts";
import type { Blobs } from "./blobs.ts";
import { type Index, isId } from "./index.ts";
import { idOf, type Objects } from "./objects.ts";
import type { Seal } from "./seal.ts";
import { nodesOf } from "./trees.ts";

export interface Snapshot {
  readonly id: string;
  readonly time: string;
  readonly tree: string;
  readonly label: string;
  readonly missing: number;
  readonly files: number | null;
  readonly bytes: number | null;
}

/** Newest first. */
export async function snapshotsIn(objects: Objects, index: Index, blobs: Blobs, seal: Seal): Promise<Snapshot[]> {
  const names = objects.named("snapshots");
  const found: Snapshot[] = [];
  const replaced = new Set<unknown>();
  for (const name of names) {
    const json = await objects.json(name, seal);
    if (!isObject(json) || !isId(json.tree)) continue;
    found.push(snapshotFrom(idOf(name), json, json.tree));
    replaced.add(json.original);
  }
  const whole = found.length === names.length && names.length > 0;
  const all = whole ? found : [...found, ...(await rootsWithout(found, index, blobs))];
  return all.filter(({ id }) => !replaced.has(id)).sort((one, other) => Date.parse(other.time) - Date.parse(one.time));
}

function snapshotFrom(id: string, json: JsonObject, tree: string): Snapshot {
  const tags = Array.isArray(json.tags) ? json.tags.map(String) : [];
  const tag = (name: string): string => tags.find((each) => each.startsWith(`${name}:`))?.slice(name.length + 1) ?? "";
  const paths = Array.isArray(json.paths) ? json.paths.map(String) : [];
  const summary = isObject(json.summary) ? json.summary : {};
  const count = (value: unknown): number | null => (typeof value === "number" && value >= 0 ? value : null);
  return {
    id,
    time: String(json.time),
    tree,
    label: tags.includes("paradux") ? [tag("dataset"), tag("location")].filter(Boolean).join("/") : `${String(json.hostname)}: ${paths.join(", ")}`,
    missing: Number(tag("missing")) || 0,
    files: count(summary.total_files_processed),
    bytes: count(summary.total_bytes_processed),
  };
}

/** Trees that are in no other tree, and that no snapshot which is left names. */
async function rootsWithout(known: readonly Snapshot[], index: Index, blobs: Blobs): Promise<Snapshot[]> {
  const inner = new Set(known.map(({ tree }) => tree));
  const times = new Map<string, string>();
  for (const tree of index.trees) {
    const nodes = (await nodesOf(tree, blobs)) ?? [];
    for (const { subtree } of nodes) if (isId(subtree)) inner.add(subtree);
    times.set(tree, nodes.reduce((newest, { mtime }) => (typeof mtime === "string" && !(Date.parse(mtime) <= Date.parse(newest)) ? mtime : newest), ""));
  }
  return [...times]
    .filter(([tree, time]) => time && !inner.has(tree))
    .map(([tree, time]) => ({ id: tree, time, tree, label: "", missing: 0, files: null, bytes: null }));
}
