/** Where each blob lies: by the index, and by the headers of packs that no index knows (restic, "Design": Pack Format, Indexing). */

import { type Bytes, hex } from "../bytes.ts";
import { isObject, type Json } from "../json.ts";
import { idOf, type Objects } from "./objects.ts";
import { OVERHEAD, type Seal } from "./seal.ts";

/** `plain`: the length of the blob itself; `compressed`: whether it must be decompressed. */
export interface Place {
  readonly pack: string;
  readonly offset: number;
  readonly length: number;
  readonly plain: number;
  readonly compressed: boolean;
}

const LONGEST_HEADER = 64 * 1024 * 1024;
const LONGEST_BLOB = 256 * 1024 * 1024;

export class Index {
  private readonly blobs = new Map<string, Place[]>();
  readonly trees = new Set<string>();
  /** Packs by their ids, and the names of their files. */
  private readonly packs = new Map<string, string>();

  private constructor(
    private readonly objects: Objects,
    private readonly seal: Seal,
  ) {
    for (const name of objects.named("data")) this.packs.set(idOf(name), name);
  }

  static async read(objects: Objects, seal: Seal): Promise<Index> {
    const index = new Index(objects, seal);
    const known = new Set<string>();
    for (const name of objects.named("index")) index.take(await objects.json(name, seal), known);
    for (const [id, name] of index.packs) if (!known.has(id)) await index.readHeader(id, name);
    return index;
  }

  /** All places of a blob, in packs that are there first. */
  places(blob: string): Place[] {
    return [...(this.blobs.get(blob) ?? [])].sort((one, other) => Number(this.isThere(other)) - Number(this.isThere(one)));
  }

  isThere({ pack }: Place): boolean {
    return this.packs.has(pack);
  }

  /** The name of the file of a pack, or the one that it should have. */
  fileOf(pack: string): string {
    return this.packs.get(pack) ?? `data/${pack.slice(0, 2)}/${pack}`;
  }

  private take(content: Json | null, known: Set<string>): void {
    for (const pack of objectsIn(content, "packs")) {
      if (!isId(pack.id)) continue;
      known.add(pack.id);
      for (const { id, type, offset, length, uncompressed_length } of objectsIn(pack, "blobs")) {
        if (!isId(id) || !isCount(offset) || !isCount(length)) continue;
        const compressed = isCount(uncompressed_length) && uncompressed_length > 0;
        this.add(id, type === "tree", { pack: pack.id, offset, length, plain: compressed ? (uncompressed_length as number) : length - OVERHEAD, compressed });
      }
    }
  }

  private add(blob: string, isTree: boolean, place: Place): void {
    if (place.length > LONGEST_BLOB || place.plain > LONGEST_BLOB || place.plain < 0) return;
    if (isTree) this.trees.add(blob);
    const known = this.blobs.get(blob);
    if (known) known.push(place);
    else this.blobs.set(blob, [place]);
  }

  /** The header at the end of a pack: its length is in the last four bytes. */
  private async readHeader(pack: string, name: string): Promise<void> {
    const size = this.objects.size(name)!;
    const tail = await this.objects.part(name, size - 4, size);
    const length = tail ? new DataView(tail.buffer, tail.byteOffset).getUint32(0, true) : 0;
    const sealed = length > OVERHEAD && length <= LONGEST_HEADER ? await this.objects.part(name, size - 4 - length, size - 4) : null;
    const header = sealed && (await this.seal.open(sealed));
    if (!header || !this.takeHeader(pack, header)) this.objects.damaged.add(name);
  }

  private takeHeader(pack: string, header: Bytes): boolean {
    const view = new DataView(header.buffer, header.byteOffset, header.length);
    let offset = 0;
    for (let at = 0; at < header.length; ) {
      const type = header[at]!;
      const compressed = type === 2 || type === 3;
      const width = compressed ? 41 : 37;
      if (type > 3 || at + width > header.length) return false;
      const length = view.getUint32(at + 1, true);
      const plain = compressed ? view.getUint32(at + 5, true) : length - OVERHEAD;
      this.add(hex(header.subarray(at + width - 32, at + width)), type === 1 || type === 3, { pack, offset, length, plain, compressed });
      offset += length;
      at += width;
    }
    return true;
  }
}

function objectsIn(value: Json | null, field: string) {
  const found = isObject(value) ? value[field] : null;
  return Array.isArray(found) ? found.filter(isObject) : [];
}

export function isId(value: unknown): value is string {
  return typeof value === "string" && /^[0-9a-f]{64}$/.test(value);
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
