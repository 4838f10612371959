/** A repository that somebody makes who has its key: whatever he likes, sealed and named as restic does it. */

import { createCipheriv, createHash, randomBytes } from "node:crypto";
import { poly1305 } from "@noble/ciphers/_poly1305.js";
import type { Bytes } from "../src/bytes.ts";
import type { Source } from "../src/places/source.ts";

const [encrypt, k, r] = [randomBytes(32), randomBytes(16), randomBytes(16)];
export const MASTER_KEY = JSON.stringify({ mac: { k: k.toString("base64"), r: r.toString("base64") }, encrypt: encrypt.toString("base64") });

function sealed(plain: Uint8Array): Bytes {
  const iv = randomBytes(16);
  const cipher = createCipheriv("aes-256-ctr", encrypt, iv);
  const text = Buffer.concat([cipher.update(plain), cipher.final()]);
  const block = createCipheriv("aes-128-ecb", k, null).setAutoPadding(false).update(iv);
  return new Uint8Array(Buffer.concat([iv, text, poly1305(text, Buffer.concat([r, block]))]));
}

function hash(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

export class Enemy implements Source {
  private readonly files = new Map<string, Bytes>();
  private readonly blobs: { id: string; type: string; offset: number; length: number; uncompressed_length?: number }[] = [];
  private readonly pack: Bytes[] = [];

  get sizes(): Map<string, number> {
    return new Map([...this.files].map(([name, { length }]) => [name, length]));
  }

  async read(name: string, from?: number, to?: number): Promise<Bytes> {
    return this.files.get(name)!.slice(from, to);
  }

  /** A blob in the one pack; `stored`: what lies there compressed. */
  blob(plain: Uint8Array, type = "data", stored?: { bytes: Uint8Array; claimed: number }): string {
    const content = sealed(stored?.bytes ?? plain);
    const offset = this.pack.reduce((sum, { length }) => sum + length, 0);
    const id = hash(plain);
    this.pack.push(content);
    this.blobs.push({ id, type, offset, length: content.length, ...(stored ? { uncompressed_length: stored.claimed } : {}) });
    return id;
  }

  tree(nodes: string): string {
    return this.blob(Buffer.from(nodes), "tree");
  }

  /** The snapshot of this tree. */
  snapshot(tree: string): this {
    const pack = new Uint8Array(Buffer.concat(this.pack));
    this.files.set(`data/00/${hash(pack)}`, pack);
    this.put("index", JSON.stringify({ packs: [{ id: hash(pack), blobs: this.blobs }] }));
    this.put("snapshots", JSON.stringify({ time: "2026-11-01T06:00:00Z", tree, hostname: "x", paths: ["/"] }));
    return this;
  }

  private put(kind: string, text: string): void {
    const content = sealed(Buffer.from(text));
    this.files.set(`${kind}/${hash(content)}`, content);
  }
}
