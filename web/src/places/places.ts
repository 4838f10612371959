/** Which places are among the files that somebody brings: archives, repositories of restic, and plain copies. */

import { runOf } from "../archive/manifest.ts";
import { looseText } from "../bytes.ts";
import type { Chosen } from "../files/chosen.ts";
import { isObject, parseJson } from "../json.ts";
import { parentOf } from "../paths.ts";

export type PlaceKind = "archive" | "repository" | "tree";

/** `files`: those that belong to it, by their names below its folder. */
export interface Place {
  readonly kind: PlaceKind;
  readonly folder: string;
  readonly files: ReadonlyMap<string, File>;
}

const REPOSITORY = /^(?:(.*)\/)?((?:data\/[0-9a-f]{2}|data|index|snapshots|keys|locks)\/[0-9a-f]{64}|config)$/;
const TREE = /^(?:(.*)\/)?manifests\/(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ(?:-\d+)?)\.json$/;
const LONGEST_MANIFEST = 1 << 20;

export function placesAmong(chosen: readonly Chosen[]): Place[] {
  const found = { archive: new Map<string, Map<string, File>>(), repository: new Map<string, Map<string, File>>(), tree: new Map<string, Map<string, File>>() };
  const add = (kind: PlaceKind, folder: string, name: string, file: File): void => {
    const files = found[kind].get(folder);
    if (files) files.set(name, file);
    else found[kind].set(folder, new Map([[name, file]]));
  };
  for (const { path, file } of chosen) {
    const folder = parentOf(path);
    const name = folder ? path.slice(folder.length + 1) : path;
    const [, above, inner] = REPOSITORY.exec(path) ?? [];
    const [, trees, version] = TREE.exec(path) ?? [];
    if (runOf(name)) add("archive", folder, name, file);
    if (inner) add("repository", above ?? "", inner, file);
    if (version) add("tree", trees ?? "", version, file);
  }
  const places = Object.entries(found).flatMap(([kind, folders]) => [...folders].map(([folder, files]) => ({ kind: kind as PlaceKind, folder, files })));
  return places.filter(isWhole);
}

function isWhole({ kind, files }: Place): boolean {
  const names = [...files.keys()];
  if (kind === "archive") return names.some((name) => name.endsWith(".manifest"));
  return kind === "tree" || names.some((name) => /^(data|index|snapshots)\//.test(name));
}

/** The newest version of a plain copy: the one with the highest number, as its manifests say. */
export async function newestVersion({ files }: Place): Promise<string> {
  const numbers: { id: string; number: number }[] = [];
  for (const [id, file] of files) numbers.push({ id, number: await numberIn(file) });
  numbers.sort((one, other) => other.number - one.number || (one.id < other.id ? 1 : -1));
  return numbers[0]!.id;
}

async function numberIn(file: File): Promise<number> {
  if (file.size > LONGEST_MANIFEST) return 0;
  try {
    const found = parseJson(looseText(new Uint8Array(await file.arrayBuffer())));
    return isObject(found) && typeof found.number === "number" ? found.number : 0;
  } catch {
    return 0;
  }
}
