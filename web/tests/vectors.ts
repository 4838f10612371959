/** The vectors of schema/vectors, and the golden kits. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const ROOT = process.env.PARADUX_ROOT!;

export function vectors(name: string): any {
  const document = JSON.parse(readFileSync(join(ROOT, "schema/vectors", `${name}.json`), "utf8"));
  if (document.format !== "paradux.vectors/1") throw new Error(`${name}: unknown format`);
  return document;
}

/** Every file below a folder, by its path there. */
export function filesBelow(folder: string): Map<string, Uint8Array<ArrayBuffer>> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    names.map((entry) => {
      const path = join(entry.parentPath ?? entry.path, entry.name);
      return [path.slice(folder.length + 1), new Uint8Array(readFileSync(path))];
    }),
  );
}
