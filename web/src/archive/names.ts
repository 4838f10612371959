/** The names of all files of a version. A port of `protocols/archive/file_list.py`. */

import { binaryOf, inside } from "../paths.ts";

/** `kinds`: path to its kind (`d`, `f`, `o`, or `h` and a number that all names of one file share); `unread`: what could not be read then. */
export interface Names {
  readonly kinds: ReadonlyMap<string, string>;
  readonly groups: ReadonlyMap<string, readonly string[]>;
  readonly unread: readonly string[];
  /** Names that lead elsewhere. */
  readonly refused: readonly string[];
}

export function readNames(records: Uint8Array): Names {
  const kinds = new Map<string, string>();
  const groups = new Map<string, string[]>();
  const unread: string[] = [];
  const refused: string[] = [];
  for (let start = 0, end = records.indexOf(0); end >= 0; start = end + 1, end = records.indexOf(0, start)) {
    const record = binaryOf(records.subarray(start, end));
    const kind = record.slice(0, Math.max(0, record.indexOf(" ")));
    const given = record.slice(kind.length + 1);
    const path = inside(given);
    if (!path) refused.push(given);
    else if (kind === "x" || kind === "z") unread.push(path);
    else if (/^(d|f|o|h\d+)$/.test(kind)) kinds.set(path, kind);
  }
  for (const path of unread) kinds.delete(path);
  for (const [path, kind] of kinds) {
    if (!kind.startsWith("h")) continue;
    const group = groups.get(kind);
    if (group) group.push(path);
    else groups.set(kind, [path]);
  }
  return { kinds, groups, unread, refused };
}
