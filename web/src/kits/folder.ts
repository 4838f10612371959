/** Which of the files that somebody brings are a kit's, as somebody who does not trust them: few files, of bounded size. */

import { type Bytes, looseText } from "../bytes.ts";
import { sharesIn } from "../shares/copies.ts";
import { readManifest } from "./manifest.ts";

/** What somebody brings to a recovery; `label` says where it comes from. */
export interface Material {
  readonly label: string;
  readonly shareText: string | null;
  readonly manifest: Bytes | null;
  readonly key: Bytes | null;
  readonly config: Bytes | null;
}

/** The files of one kit by their names in lower case, below its folder. */
export interface Kit {
  readonly label: string;
  readonly files: ReadonlyMap<string, Bytes>;
}

export const LARGEST_FILE = 16 * 1024 * 1024;
const SMALL = 256 * 1024;
const MOST_COPIES = 8;
const CORE = ["share.txt", "kit.json", "config.gpg", "recovery-key.asc"];
const SHARES = ["share.txt", "copies/share-2.txt", "copies/share-3.txt"];
const SHARE = /^(copies\/)?share[^/]*\.txt$/;
const INSIDE = ["previous", "copies"];

export function material(label: string, parts: Partial<Material>): Material {
  return { shareText: null, manifest: null, key: null, config: null, ...parts, label };
}

/** The folders of kits among these paths: those in which a kit's file lies, whatever their names. The empty one is the top. */
export function kitFolders(paths: readonly string[]): string[] {
  const folders = new Set<string>();
  for (const path of paths) {
    const steps = path.split("/");
    const name = steps.pop()!.toLowerCase();
    if (CORE.includes(name) && !INSIDE.includes((steps.at(-1) ?? "").toLowerCase())) folders.add(steps.join("/"));
  }
  return [...folders].sort();
}

/** Whether a file of this path and size may be a part of a kit in that folder. */
export function belongs(folder: string, path: string, size: number): boolean {
  const name = nameIn(folder, path);
  return name !== null && name.split("/").length <= 3 && size > 0 && size <= LARGEST_FILE;
}

/** The name of a file below a folder, in lower case; null when it lies elsewhere. */
export function nameIn(folder: string, path: string): string | null {
  if (folder === "") return path.toLowerCase();
  return path.startsWith(`${folder}/`) ? path.slice(folder.length + 1).toLowerCase() : null;
}

/** What the files of a kit bring: more than one share where another one lies in a copy's place, or where there is the epoch before. */
export function materialsOf(kit: Kit): Material[] {
  const before = new Map([...kit.files].flatMap(([name, data]) => (name.startsWith("previous/") ? [[name.slice(9), data] as const] : [])));
  return [...brought(kit.files, kit.label), ...(before.size ? brought(before, kit.label) : [])];
}

function brought(files: ReadonlyMap<string, Bytes>, label: string): Material[] {
  const small = (name: string): Bytes | null => bounded(files.get(name), SMALL);
  const manifest = small("kit.json");
  const copies = shareNames(files).map(small).filter((bytes) => bytes !== null).map(looseText);
  const [first, ...others] = sharesIn(copies, (manifest && readManifest(manifest)?.shareSha256) ?? "");
  const kit = material(label, {
    shareText: first ?? null,
    manifest,
    key: small("recovery-key.asc"),
    config: bounded(files.get("config.gpg"), LARGEST_FILE),
  });
  return [kit, ...others.map((shareText) => material(label, { shareText }))];
}

function bounded(bytes: Bytes | undefined, most: number): Bytes | null {
  return bytes && bytes.length <= most ? bytes : null;
}

function shareNames(files: ReadonlyMap<string, Bytes>): string[] {
  const named = SHARES.filter((name) => files.has(name));
  const others = [...files.keys()].filter((name) => SHARE.test(name) && !named.includes(name)).sort();
  return [...named, ...others.slice(0, MOST_COPIES)];
}
