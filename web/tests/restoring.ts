/** Folders as places, and a sink that keeps what it is given: for tests of what brings data back. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Bytes } from "../src/bytes.ts";
import type { About, Sink, Writing } from "../src/output/sink.ts";
import type { Source } from "../src/places/source.ts";
import type { Engine, Report } from "../src/restore/engine.ts";
import { filesBelow } from "./vectors.ts";

export const DATA = process.env.PARADUX_DATA!;

export function expected(): any {
  return JSON.parse(readFileSync(join(DATA, "expected.json"), "utf8"));
}

const known = new Map<string, ReturnType<typeof filesBelow>>();

/** A folder, with some files changed: null takes one away. */
export function folder(name: string, changes: Record<string, ((content: Bytes) => Bytes) | null> = {}): Source {
  const files = new Map(known.get(name) ?? known.set(name, filesBelow(join(DATA, name))).get(name)!);
  for (const [path, change] of Object.entries(changes)) {
    assert.ok(files.has(path), path);
    if (change) files.set(path, change(files.get(path)!.slice()));
    else files.delete(path);
  }
  return {
    sizes: new Map([...files].map(([path, { length }]) => [path, length])),
    read: async (path, from, to) => files.get(path)!.slice(from, to),
  };
}

/** What the daemon's side calls the content of each path. */
export class Kept implements Sink {
  readonly found: Record<string, string> = {};
  readonly abouts: Record<string, About> = {};

  async folder(path: string): Promise<void> {
    this.found[path] = "/";
  }

  async file(path: string, about: About): Promise<Writing> {
    assert.ok(!Object.prototype.hasOwnProperty.call(this.found, path), `${path} is written once`);
    this.abouts[path] = about;
    const content = new Uint8Array(about.size);
    return {
      write: async (offset, piece) => {
        assert.ok(offset + piece.length <= about.size);
        content.set(piece, offset);
      },
      end: async () => void (this.found[path] = createHash("sha256").update(content).digest("hex")),
      drop: async () => undefined,
    };
  }

  async again(path: string, earlier: string): Promise<number> {
    this.found[path] = this.found[earlier]!;
    return this.abouts[earlier]!.size;
  }

  async symlink(path: string, target: string): Promise<boolean> {
    this.found[path] = `-> ${target}`;
    return true;
  }

  async finish(): Promise<void> {}
}

export async function restored(engine: Engine, version: string, chosen: readonly string[] = [""]): Promise<{ found: Record<string, string>; report: Report }> {
  const sink = new Kept();
  const report = await engine.restore(version, new Set(chosen), sink, async () => undefined);
  return { found: sink.found, report };
}

/** The paths with this reason in a report. */
export function told(report: Report, reason: string): string[] {
  return report.problems.filter((problem) => problem.reason === reason).map(({ path }) => path).sort();
}
