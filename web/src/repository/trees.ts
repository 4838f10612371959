/** What is in a snapshot (restic, "Design": Trees and Data). */

import { looseText } from "../bytes.ts";
import { entryOf, isObject, type JsonObject, parseJson } from "../json.ts";
import { binaryOf } from "../paths.ts";
import type { Blobs } from "./blobs.ts";
import { isId } from "./index.ts";
import { isPlain, unquoted } from "./names.ts";
import { ofBase64 } from "./seal.ts";

export interface Node {
  readonly path: string;
  readonly kind: "folder" | "file" | "symlink" | "special";
  readonly size: number;
  readonly mode: number;
  /** Seconds since 1970. */
  readonly time: number;
  readonly target: string;
  readonly content: readonly string[];
  /** The same for all names of one file; empty for a file with one name. */
  readonly inode: string;
}

/** `lost`: folders of which nothing can be read; `refused`: names that lead elsewhere. */
export interface Walked {
  readonly nodes: readonly Node[];
  readonly lost: readonly string[];
  readonly refused: readonly string[];
}

const MOST_NODES = 2_000_000;
const MOST_KNOWN = 1000;
const DEEPEST = 1000;
const KINDS: Record<string, Node["kind"]> = { dir: "folder", file: "file", symlink: "symlink" };

/** The nodes of one tree; null when it cannot be read. */
export async function nodesOf(tree: string, blobs: Blobs): Promise<JsonObject[] | null> {
  const blob = await blobs.get(tree);
  try {
    const found = blob && parseJson(looseText(blob));
    return isObject(found) && Array.isArray(found.nodes) ? found.nodes.filter(isObject) : null;
  } catch {
    return null;
  }
}

/** All below this root; throws when there is more than a page can hold. */
export async function walk(root: string, blobs: Blobs, most = MOST_NODES): Promise<Walked> {
  const nodes: Node[] = [];
  const lost: string[] = [];
  const refused: string[] = [];
  const known = new Map<string, JsonObject[] | null>(); // folders that hold the same are one tree
  const waiting = [{ path: "", tree: root, depth: 0 }];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const again = known.get(next.tree);
    const found = next.depth > DEEPEST ? null : again === undefined ? await nodesOf(next.tree, blobs) : again;
    if (next.depth <= DEEPEST && known.size < MOST_KNOWN) known.set(next.tree, found);
    if (!found) lost.push(next.path);
    for (const node of found ?? []) {
      const name = typeof node.name === "string" ? unquoted(node.name) : null;
      if (!isPlain(name)) {
        refused.push(`${next.path}/${String(node.name)}`);
        continue;
      }
      const read = nodeFrom(next.path ? `${next.path}/${name}` : name, node);
      if (nodes.push(read) > most) throw new RangeError(`there are more files than ${most}`);
      if (node.type === "dir") waiting.push({ path: read.path, tree: isId(node.subtree) ? node.subtree : "", depth: next.depth + 1 });
    }
  }
  return { nodes, lost, refused };
}

function nodeFrom(path: string, node: JsonObject): Node {
  const content = Array.isArray(node.content) ? node.content.filter(isId) : [];
  const time = Date.parse(String(node.mtime));
  return {
    path,
    kind: entryOf(KINDS, String(node.type)) ?? "special",
    size: count(node.size),
    mode: count(node.mode) & 0o777,
    time: Number.isNaN(time) ? 0 : Math.floor(time / 1000),
    target: targetOf(node),
    content,
    inode: count(node.links) > 1 ? `${count(node.device_id)} ${count(node.inode)} ${content.join()}` : "",
  };
}

function targetOf({ linktarget, linktarget_raw }: JsonObject): string {
  if (typeof linktarget_raw === "string") return binaryOf(ofBase64(linktarget_raw));
  return typeof linktarget === "string" ? binaryOf(new TextEncoder().encode(linktarget)) : "";
}

function count(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? Math.floor(value) : 0;
}
