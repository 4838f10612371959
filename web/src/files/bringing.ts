/** From files to kits and loose parts, read whole at once: a stick may be pulled out the moment after. */

import { type Bytes, looseText } from "../bytes.ts";
import { belongs, type Kit, kitFolders, LARGEST_FILE, type Material, material, nameIn } from "../kits/folder.ts";
import { readManifest } from "../kits/manifest.ts";
import { wordsInPicture } from "./picture.ts";
import type { Chosen } from "./chosen.ts";

/** What was found; `unread`: names of files that cannot be read; `useless`: names of files that are nothing of a kit. */
export interface Brought {
  readonly kits: readonly Kit[];
  readonly loose: readonly Material[];
  readonly unread: readonly string[];
  readonly useless: readonly string[];
}

const LARGEST_ALL = 128 * 1024 * 1024;
const MOST_IN_KIT = 100;
const PUBLISHED = /^(config.*\.gpg|recovery-key.*\.asc)$/i;

/** Read what is useful among these files. */
export async function bring(chosen: readonly Chosen[]): Promise<Brought> {
  const unread: string[] = [];
  const read = reader(unread);
  const folders = kitFolders(chosen.map(({ path }) => path));
  const kits: Kit[] = [];
  for (const folder of folders) {
    const files = new Map<string, Bytes>();
    for (const { path, file } of chosen.filter(({ path, file }) => belongs(folder, path, file.size)).slice(0, MOST_IN_KIT)) {
      const content = await read(path, file);
      if (content) files.set(nameIn(folder, path)!, content);
    }
    kits.push({ label: labelOf(folder || chosen[0]!.path, files), files });
  }
  const loose: Material[] = [];
  const useless: string[] = [];
  for (const { path, file } of others(chosen, folders)) {
    const found = file.size <= LARGEST_FILE ? await looseMaterial(path, file, read) : null;
    if (found) loose.push(found);
    else if (!unread.includes(path)) useless.push(path);
  }
  return { kits, loose, unread, useless };
}

/** Where it was, and whose it says that it is. */
function labelOf(path: string, files: ReadonlyMap<string, Bytes>): string {
  const manifest = files.get("kit.json");
  const name = manifest && readManifest(manifest)?.stewardName;
  return name ? `${path} (${name})` : path;
}

/** Files that no kit has: those with the name of something published, and, where there is no kit, all of a small choice. */
function others(chosen: readonly Chosen[], folders: readonly string[]): Chosen[] {
  const published = chosen.filter(({ path }) => PUBLISHED.test(nameOf(path)) && !/^(config\.gpg|recovery-key\.asc)$/i.test(nameOf(path)));
  return folders.length || chosen.length > 20 ? published.slice(0, 50) : [...chosen];
}

async function looseMaterial(path: string, file: File, read: Read): Promise<Material | null> {
  if (file.type.startsWith("image/")) {
    const shareText = await wordsInPicture(file);
    return shareText ? material(path, { shareText }) : null;
  }
  const content = await read(path, file);
  if (!content) return null;
  const head = looseText(content.subarray(0, 1000));
  if (head.includes("BEGIN PGP PRIVATE KEY BLOCK")) return material(path, { key: content });
  if (/\.gpg$/i.test(path) || head.startsWith("-----BEGIN PGP MESSAGE")) return material(path, { config: content });
  return /\.(txt|text)$/i.test(path) ? material(path, { shareText: looseText(content.subarray(0, 65536)) }) : null;
}

type Read = (path: string, file: File) => Promise<Bytes | null>;

function reader(unread: string[]): Read {
  let left = LARGEST_ALL;
  return async (path, file) => {
    left -= file.size;
    if (left < 0) return null;
    try {
      return new Uint8Array(await file.arrayBuffer());
    } catch {
      unread.push(path);
      return null;
    }
  };
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
