/** The files of a repository: each is called by its SHA-256, so that one that is damaged is known without any key. */

import { type Bytes, hex, looseText } from "../bytes.ts";
import { type Json, parseJson } from "../json.ts";
import type { Source } from "../places/source.ts";
import { inflateWhole } from "../streams/zstd.ts";
import type { Seal } from "./seal.ts";

export type Kind = "keys" | "index" | "snapshots" | "data";

const LONGEST = 256 * 1024 * 1024;
const LONGEST_TEXT = 1024 * 1024 * 1024;
const COMPRESSED = 2; // the first byte of a compressed text; JSON begins with a bracket

export class Objects {
  /** Files that are not what their names say. */
  readonly damaged = new Set<string>();

  constructor(private readonly source: Source) {}

  named(kind: Kind): string[] {
    return [...this.source.sizes.keys()].filter((name) => name.startsWith(`${kind}/`)).sort();
  }

  size(name: string): number | undefined {
    return this.source.sizes.get(name);
  }

  /** Bytes of a file; null when it is missing, too short, or cannot be read. */
  async part(name: string, from: number, to: number): Promise<Bytes | null> {
    if (to > (this.size(name) ?? 0) || from < 0) return null;
    const bytes = await this.source.read(name, from, to).catch(() => null);
    return bytes?.length === to - from ? bytes : null;
  }

  /** A file as a whole, compared with its name. */
  async whole(name: string): Promise<Bytes | null> {
    const size = this.size(name) ?? Infinity;
    const bytes = size <= LONGEST ? await this.source.read(name).catch(() => null) : null;
    if (bytes && (await sha256(bytes)) === idOf(name)) return bytes;
    this.damaged.add(name);
    return null;
  }

  /** Something small that was sealed with the repository's key; null where nothing such is left. */
  async sample(): Promise<Bytes | null> {
    if (this.source.sizes.has("config")) {
      const config = await this.source.read("config").catch(() => null);
      if (config && (config.length > 32)) return config;
    }
    for (const name of [...this.named("snapshots"), ...this.named("index")]) {
      const whole = await this.whole(name);
      if (whole) return whole;
    }
    return null;
  }

  /** The JSON in a file of the index or a snapshot. */
  async json(name: string, seal: Seal): Promise<Json | null> {
    const whole = await this.whole(name);
    const opened = whole && (await seal.open(whole));
    try {
      if (opened) return parseJson(looseText(opened[0] === COMPRESSED ? inflateWhole(opened.subarray(1), LONGEST_TEXT) : opened));
    } catch {
      // named below
    }
    this.damaged.add(name);
    return null;
  }
}

export function idOf(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}

export async function sha256(bytes: Bytes): Promise<string> {
  return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}
