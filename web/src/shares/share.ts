/** One share: its words taken apart as SLIP-0039 says, or what is wrong with them. */

import { sha256 } from "@noble/hashes/sha2.js";
import { type Bytes, hex, utf8 } from "../bytes.ts";
import { hasChecksum } from "./checksum.ts";
import { COUNT, numberOf } from "./words.ts";

export interface Share {
  readonly words: readonly string[];
  readonly identifier: number;
  readonly extendable: boolean;
  readonly exponent: number;
  readonly group: number;
  readonly groupThreshold: number;
  readonly groupCount: number;
  /** Counts from 0. */
  readonly member: number;
  readonly threshold: number;
  readonly value: Bytes;
}

export type WordsProblem = "count" | "unknown-word" | "checksum" | "other-program";

/** What is wrong with words that are no share; never the words themselves. Positions count from 1. */
export class ShareError extends Error {
  constructor(
    readonly problem: WordsProblem,
    readonly positions: readonly number[] = [],
    readonly count = 0,
  ) {
    super(problem);
  }
}

/** The share of a kit that these words are; throws `ShareError`. */
export function readShare(words: readonly string[]): Share {
  if (words.length !== COUNT) throw new ShareError("count", [], words.length);
  const share = decode(words);
  if (share.groupCount !== 1 || share.exponent !== 0 || share.threshold < 2) throw new ShareError("other-program");
  return share;
}

/** Any SLIP-39 share; throws `ShareError`. */
export function decode(words: readonly string[]): Share {
  const numbers = words.map(numberOf);
  const unknown = numbers.flatMap((number, place) => (number === undefined ? [place + 1] : []));
  if (unknown.length) throw new ShareError("unknown-word", unknown);
  const known = numbers as number[];
  if (known.length < 20) throw new ShareError("count", [], words.length);
  if (!hasChecksum(known)) throw new ShareError("checksum");
  const head = BigInt(`0b${known.slice(0, 4).map((number) => number.toString(2).padStart(10, "0")).join("")}`);
  const bits = (from: number, width: number): number => Number((head >> BigInt(from)) & ((1n << BigInt(width)) - 1n));
  const share = {
    words: [...words],
    identifier: bits(25, 15),
    extendable: bits(24, 1) === 1,
    exponent: bits(20, 4),
    group: bits(16, 4),
    groupThreshold: bits(12, 4) + 1,
    groupCount: bits(8, 4) + 1,
    member: bits(4, 4),
    threshold: bits(0, 4) + 1,
    value: valueOf(known.slice(4, -3)),
  };
  if (share.groupCount < share.groupThreshold) throw new ShareError("other-program");
  return share;
}

/** The bytes in these words, which begin with up to eight bits of zero. */
function valueOf(numbers: readonly number[]): Bytes {
  const padding = (10 * numbers.length) % 16;
  const length = (10 * numbers.length - padding) / 8;
  const bits = numbers.map((number) => number.toString(2).padStart(10, "0")).join("");
  if (padding > 8 || bits.slice(0, padding).includes("1") || length < 16) throw new ShareError("checksum");
  return Uint8Array.from({ length }, (_, index) => parseInt(bits.slice(padding + 8 * index, padding + 8 * index + 8), 2));
}

export function textOf(share: Share): string {
  return share.words.join(" ");
}

/** How manifests name a share: SHA-256 of its words with one space between them. */
export function hashOf(share: Share): string {
  return hex(sha256(utf8(textOf(share))));
}
