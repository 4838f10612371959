/** Zip files (PKWARE APPNOTE 6.3.10), not compressed: photographs do not get smaller. More than one when they would become too large. */

import { bytesOf, utf8Of } from "../paths.ts";
import { crc32 } from "./crc.ts";
import { type About, Refused, type Sink, type Writing } from "./sink.ts";

/** A file that grows at its end; what was written as a piece of its own may be replaced by as many bytes. */
export interface Out {
  append(piece: Uint8Array): Promise<void>;
  replace(at: number, piece: Uint8Array): Promise<void>;
  /** Once more what stands from one place to another. */
  copy(from: number, to: number): Promise<void>;
  /** This file is whole; what comes after belongs to the next one. */
  next(last: boolean): Promise<void>;
}

interface Entry extends About {
  readonly path: string;
  readonly at: number;
  crc: number;
}

const FOLDER = 0o040755;
const FILE = 0o100644;
const LINK = 0o120777;
const LARGE = 0xffffffff;
const BUFFERED = 4 << 20;
const ZEROS = new Uint8Array(1 << 20);

export class ZipSink implements Sink {
  private entries: Entry[] = [];
  /** In which file an entry is, and where its bytes begin. */
  private readonly data = new Map<string, { zip: number; from: number; entry: Entry }>();
  readonly renamed = new Map<string, string>();
  private zip = 0;
  private size = 0;
  private pieces: Uint8Array[] = [];
  private waiting = 0;

  constructor(
    private readonly out: Out,
    private readonly limit: number,
  ) {}

  async folder(path: string): Promise<void> {
    await this.small(`${path}/`, new Uint8Array(0), { size: 0, time: 0, mode: FOLDER });
  }

  async symlink(path: string, target: string): Promise<boolean> {
    const content = bytesOf(target);
    await this.small(path, content, { size: content.length, time: 0, mode: LINK });
    return true;
  }

  async file(path: string, about: About): Promise<Writing> {
    const whole = { ...about, mode: (FILE & ~0o7777) | (about.mode & 0o777) };
    const entry = await this.begin(path, whole);
    let written = 0;
    const add = async (piece: Uint8Array): Promise<void> => {
      entry.crc = crc32(entry.crc, piece);
      written += piece.length;
      await this.add(piece.slice());
    };
    const fill = async (to: number): Promise<void> => {
      while (written < to) await add(ZEROS.subarray(0, Math.min(ZEROS.length, to - written)));
    };
    return {
      write: async (offset, piece) => {
        await fill(offset);
        await add(piece);
      },
      end: async () => {
        await fill(entry.size);
        await this.end(entry);
      },
      drop: async () => fill(entry.size), // zeros that no list of contents names
    };
  }

  async again(path: string, earlier: string): Promise<number | null> {
    const found = this.data.get(earlier);
    if (found?.zip !== this.zip) return null;
    const { entry, from } = found;
    const copy = await this.begin(path, entry);
    copy.crc = entry.crc;
    await this.flush();
    await this.out.copy(from, from + entry.size);
    this.size += entry.size;
    await this.end(copy);
    return entry.size;
  }

  async finish(): Promise<void> {
    await this.close(true);
  }

  private async small(path: string, content: Uint8Array, about: About): Promise<void> {
    const entry = await this.begin(path, about);
    entry.crc = crc32(0, content);
    await this.add(content);
    await this.end(entry);
  }

  private async begin(path: string, about: About): Promise<Entry> {
    if (path.length > 60_000) throw new Refused();
    if (this.entries.length && this.size + about.size > this.limit) await this.close(false);
    await this.flush();
    const name = harmless(path);
    if (name !== path) this.renamed.set(path, name);
    const entry = { ...about, path: name, at: this.size, crc: 0 };
    await this.add(header(entry));
    await this.flush(); // a piece of its own: the sum is put into it later
    this.data.set(path, { zip: this.zip, from: this.size, entry });
    return entry;
  }

  private async end(entry: Entry): Promise<void> {
    await this.flush();
    await this.out.replace(entry.at, header(entry));
    this.entries.push(entry);
  }

  private async add(piece: Uint8Array): Promise<void> {
    if (!piece.length) return;
    this.pieces.push(piece);
    this.size += piece.length;
    this.waiting += piece.length;
    if (this.waiting >= BUFFERED) await this.flush();
  }

  private async flush(): Promise<void> {
    if (!this.waiting) return;
    const whole = joined(this.pieces);
    this.pieces = [];
    this.waiting = 0;
    await this.out.append(whole);
  }

  private async close(last: boolean): Promise<void> {
    const from = this.size;
    for (const entry of this.entries) await this.add(central(entry));
    await this.add(end(this.entries.length, from, this.size));
    await this.flush();
    await this.out.next(last);
    this.entries = [];
    this.zip += 1;
    this.size = 0;
  }
}

/** On Windows a backslash leads into folders, and a letter with a colon to another disk: never out of the folder where it is unpacked. */
function harmless(path: string): string {
  if (!/^[a-z]:|^\\/i.test(path) && !path.split(/[\\/]/).includes("..")) return path;
  return path.replace(/\\/g, "%5C").replace(/^(.):/, "$1%3A");
}

function header(entry: Entry): Uint8Array {
  const large = entry.size >= LARGE;
  const size = large ? LARGE : entry.size;
  const extra = joined([large ? record([[2, 1], [2, 16], [8, entry.size], [8, entry.size]]) : new Uint8Array(0), moment(entry)]);
  const start = record([[4, 0x04034b50], [2, large ? 45 : 20], ...common(entry), [4, size], [4, size], [2, entry.path.length], [2, extra.length]]);
  return joined([start, bytesOf(entry.path), extra]);
}

function central(entry: Entry): Uint8Array {
  const [large, far] = [entry.size >= LARGE, entry.at >= LARGE];
  const numbers = [...(large ? [entry.size, entry.size] : []), ...(far ? [entry.at] : [])];
  const wide = numbers.length ? record([[2, 1], [2, 8 * numbers.length], ...numbers.map((each) => [8, each] as const)]) : new Uint8Array(0);
  const extra = joined([wide, moment(entry)]);
  const size = large ? LARGE : entry.size;
  const start = record([
    [4, 0x02014b50], [2, 0x031e], [2, numbers.length ? 45 : 20], ...common(entry), [4, size], [4, size],
    [2, entry.path.length], [2, extra.length], [2, 0], [2, 0], [2, 0], [4, entry.mode * 65536 + (entry.mode === FOLDER ? 16 : 0)], [4, far ? LARGE : entry.at],
  ]);
  return joined([start, bytesOf(entry.path), extra]);
}

/** Flags, method, date, and sum. */
function common(entry: Entry): (readonly [number, number])[] {
  const date = new Date(Math.max(entry.time, 315_619_200) * 1000); // no day before 1980
  const day = (Math.min(date.getUTCFullYear(), 2107) - 1980) * 512 + (date.getUTCMonth() + 1) * 32 + date.getUTCDate();
  const time = date.getUTCHours() * 2048 + date.getUTCMinutes() * 32 + (date.getUTCSeconds() >> 1);
  return [[2, utf8Of(entry.path) === null ? 0 : 0x0800], [2, 0], [2, time], [2, day], [4, entry.crc]];
}

/** The moment in UTC, as Info-ZIP writes it; the field above has no time zone. */
function moment({ time }: Entry): Uint8Array {
  return time > 0 && time < 2 ** 31 ? record([[2, 0x5455], [2, 5], [1, 1], [4, time]]) : new Uint8Array(0);
}

function end(count: number, from: number, to: number): Uint8Array {
  const wide = count >= 0xffff || to >= LARGE;
  const before = wide
    ? record([
        [4, 0x06064b50], [8, 44], [2, 0x031e], [2, 45], [4, 0], [4, 0], [8, count], [8, count], [8, to - from], [8, from],
        [4, 0x07064b50], [4, 0], [8, to], [4, 1],
      ])
    : new Uint8Array(0);
  const least = Math.min(count, 0xffff);
  return joined([before, record([[4, 0x06054b50], [2, 0], [2, 0], [2, least], [2, least], [4, Math.min(to - from, LARGE)], [4, Math.min(from, LARGE)], [2, 0]])]);
}

/** Numbers with their widths in bytes, least significant byte first. */
function record(fields: readonly (readonly [number, number])[]): Uint8Array {
  const bytes: number[] = [];
  for (const [width, value] of fields) {
    let left = value;
    for (let place = 0; place < width; place++) {
      bytes.push(left % 256);
      left = Math.floor(left / 256);
    }
  }
  return Uint8Array.from(bytes);
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  if (pieces.length === 1) return pieces[0]!;
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
