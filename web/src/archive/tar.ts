/**
 * GNU tar's pax format with sparse files (0.0, 0.1) and the folder lists of incremental dumps; GNU tar manual, "Tar Internals".
 * Nothing that is read is believed: a path stays as it was written, and whoever uses it decides where it leads.
 */

import { binaryOf } from "../paths.ts";
import { type ByteReader, EndedEarly } from "../streams/reader.ts";
import { type Fields, readPax } from "./pax.ts";

export interface Extent {
  readonly offset: number;
  readonly length: number;
}

/** `size` is that of the file, `stored` that of its bytes in the stream; `data`: where these belong, in order. */
export interface Member {
  readonly path: string;
  readonly kind: "file" | "link" | "symlink" | "folder" | "special";
  readonly size: number;
  readonly stored: number;
  readonly data: readonly Extent[];
  readonly mode: number;
  /** Seconds since 1970. */
  readonly time: number;
  readonly target: string;
  /** Of a folder: what is in it, each name with whether this run has it; null where it does not say. */
  readonly contents: ReadonlyMap<string, boolean> | null;
}

export class BadTar extends Error {}

const BLOCK = 512;
const LONGEST_HEADER = 256 * 1024 * 1024;
const KINDS: Record<string, Member["kind"]> = { "0": "file", "\0": "file", "7": "file", "1": "link", "2": "symlink", "3": "special", "4": "special", "5": "folder", "6": "special" };

/** Each member; the one who takes it reads its `stored` bytes from the stream, or none of them. */
export async function* members(reader: ByteReader, left: { count: number }): AsyncGenerator<Member> {
  let fields: Fields = new Map();
  for (;;) {
    const header = await reader.exactly(BLOCK);
    if (!header) throw new EndedEarly();
    if (header.every((byte) => byte === 0)) return;
    const type = String.fromCharCode(header[156]!);
    const size = number(header, 124, 12);
    checkSum(header);
    if (type === "x" || type === "g") {
      const read = readPax(await longHeader(reader, size));
      if (type === "x") fields = read;
      continue;
    }
    const member = memberOf(header, type, fields);
    fields = new Map();
    left.count = member.stored;
    yield member;
    await reader.skip(left.count + padding(member.stored));
  }
}

async function longHeader(reader: ByteReader, size: number): Promise<Uint8Array> {
  if (size > LONGEST_HEADER) throw new BadTar();
  const content = Uint8Array.from((await reader.exactly(size)) ?? []);
  await reader.skip(padding(size));
  return content;
}

function padding(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}

function memberOf(header: Uint8Array, type: string, fields: Fields): Member {
  const kind = KINDS[type];
  if (!kind) throw new BadTar();
  const stored = kind === "file" || kind === "folder" ? (decimal(fields, "size") ?? number(header, 124, 12)) : 0;
  const size = decimal(fields, "GNU.sparse.size") ?? decimal(fields, "GNU.sparse.realsize") ?? stored;
  const prefix = text(header, 345, 155);
  const name = text(header, 0, 100);
  return {
    path: first(fields, "GNU.sparse.name") ?? first(fields, "path") ?? (prefix ? `${prefix}/${name}` : name),
    kind,
    size,
    stored,
    data: extents(fields, size, stored),
    mode: number(header, 100, 8) & 0o7777,
    time: Math.floor(Number(first(fields, "mtime") ?? number(header, 136, 12))),
    target: first(fields, "linkpath") ?? text(header, 157, 100),
    contents: contentsOf(fields.get("GNU.dumpdir")?.[0]),
  };
}

function extents(fields: Fields, size: number, stored: number): Extent[] {
  if (fields.has("GNU.sparse.major")) throw new BadTar(); // 1.0: nothing of ours was ever written like that
  const map = first(fields, "GNU.sparse.map");
  const numbers = map !== null ? map.split(",").filter(Boolean) : pairs(fields);
  if (map === null && !fields.has("GNU.sparse.size")) return size ? [{ offset: 0, length: size }] : [];
  const found: Extent[] = [];
  for (let place = 0; place + 1 < numbers.length; place += 2) found.push({ offset: whole(numbers[place]!), length: whole(numbers[place + 1]!) });
  let end = 0;
  for (const { offset, length } of found) {
    if (offset < end || offset + length > size) throw new BadTar();
    end = offset + length;
  }
  if (found.reduce((sum, { length }) => sum + length, 0) !== stored) throw new BadTar();
  return found.filter(({ length }) => length > 0);
}

/** The repeated fields of sparse format 0.0. */
function pairs(fields: Fields): string[] {
  const offsets = fields.get("GNU.sparse.offset") ?? [];
  const lengths = fields.get("GNU.sparse.numbytes") ?? [];
  if (offsets.length !== lengths.length) throw new BadTar();
  return offsets.flatMap((offset, place) => [binaryOf(offset), binaryOf(lengths[place]!)]);
}

/** `Y` (in this run), `N` (not in it) or `D` (a folder), the name, a NUL, again and again; a NUL at the end. */
function contentsOf(list: Uint8Array | undefined): Map<string, boolean> | null {
  if (!list) return null;
  const found = new Map<string, boolean>();
  for (let start = 0, end = list.indexOf(0); end > start; start = end + 1, end = list.indexOf(0, start)) {
    const kind = String.fromCharCode(list[start]!);
    if ("YND".includes(kind)) found.set(binaryOf(list.subarray(start + 1, end)), kind !== "N");
  }
  return found;
}

function checkSum(header: Uint8Array): void {
  let sum = 8 * 32;
  for (let place = 0; place < BLOCK; place++) if (place < 148 || place >= 156) sum += header[place]!;
  if (sum !== number(header, 148, 8)) throw new BadTar();
}

/** An octal number, or a binary one where the first bit is set. */
function number(header: Uint8Array, start: number, length: number): number {
  if (header[start]! & 0x80) {
    let value = header[start]! & 0x7f;
    for (let place = start + 1; place < start + length; place++) value = value * 256 + header[place]!;
    if (!Number.isSafeInteger(value)) throw new BadTar();
    return value;
  }
  return parseInt(text(header, start, length).trim() || "0", 8);
}

function text(header: Uint8Array, start: number, length: number): string {
  const field = binaryOf(header.subarray(start, start + length));
  const end = field.indexOf("\0");
  return end < 0 ? field : field.slice(0, end);
}

function first(fields: Fields, name: string): string | null {
  const found = fields.get(name);
  return found ? binaryOf(found[found.length - 1]!) : null;
}

function decimal(fields: Fields, name: string): number | null {
  const found = first(fields, name);
  return found === null ? null : whole(found);
}

function whole(digits: string): number {
  const value = /^\d{1,16}$/.test(digits) ? Number(digits) : NaN;
  if (!Number.isSafeInteger(value)) throw new BadTar();
  return value;
}
