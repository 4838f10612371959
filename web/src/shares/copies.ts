/** A kit holds its share three times: which copy is right, and what can be put together of copies that have all rotted. */

import { hasChecksum } from "./checksum.ts";
import { hashOf, readShare, type Share, ShareError, textOf } from "./share.ts";
import { COUNT, fullWord, numberOf, parseWords, pinpoint } from "./words.ts";

const MOST_TRIALS = 8192;
const LEAST_NUMBERED = 25;
const UNKNOWN = "?";

/** The texts of the shares in these copies, the kit's own first. `sha256` is that of the kit's own share; empty when nobody knows. */
export function sharesIn(copies: readonly string[], sha256: string): string[] {
  const whole = copies.map(readCopy).filter((share) => share !== null);
  const own = whole.filter((share) => hashOf(share) === sha256).slice(0, 1);
  if (!own.length && (sha256 || !whole.length)) own.push(...putTogether(copies, sha256));
  const texts = [...own.map(textOf), ...byNumber(whole.map(textOf))];
  return texts.length ? [...new Set(texts)] : copies.slice(0, 1);
}

function readCopy(copy: string): Share | null {
  return shareOf(parseWords(copy));
}

function shareOf(words: readonly string[]): Share | null {
  try {
    return readShare(words);
  } catch (problem) {
    if (problem instanceof ShareError) return null;
    throw problem;
  }
}

/** These texts, the most common first, each once. */
function byNumber(texts: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return [...counts].sort((one, other) => other[1] - one[1]).map(([text]) => text);
}

function putTogether(copies: readonly string[], sha256: string): Share[] {
  const rows = copies.map(places).filter((row) => row.length);
  const options = Array.from({ length: COUNT }, (_, place) => known(rows.map((row) => row[place]!)));
  for (const words of combinations(options)) {
    const share = !words.includes(UNKNOWN) && hasChecksum(words.map((word) => numberOf(word)!)) ? shareOf(words) : null;
    if (share && fits(share, sha256)) return [share];
  }
  for (const row of [options.map((some) => some[0]!), ...rows]) {
    // Without a hash to compare with, which of 33 words is wrong is not certain enough.
    if (!sha256 && !row.includes(UNKNOWN)) continue;
    for (const { position, word } of pinpoint(row)) {
      const share = shareOf(row.map((each, place) => (place === position - 1 ? word : each)));
      if (share && fits(share, sha256)) return [share];
    }
  }
  return [];
}

function fits(share: Share, sha256: string): boolean {
  return !sha256 || hashOf(share) === sha256;
}

/** One of each place, the last place changing fastest; a bounded number of them. */
function* combinations(options: readonly (readonly string[])[]): Generator<string[]> {
  const at = new Array<number>(options.length).fill(0);
  for (let trial = 0; trial < MOST_TRIALS; trial++) {
    yield options.map((some, place) => some[at[place]!]!);
    let place = options.length - 1;
    while (place >= 0 && ++at[place]! === options[place]!.length) at[place--] = 0;
    if (place < 0) return;
  }
}

/** The words of the list that copies have at one place, the most common first. */
function known(found: readonly string[]): string[] {
  const words = byNumber(found.filter((word) => word !== UNKNOWN));
  return words.length ? words : [UNKNOWN];
}

/** The word at each of the 33 places, by the numbers before them, else by order; none when that cannot be told. */
function places(copy: string): string[] {
  const lines = copy.split(/\r\n|\n|\r/).filter((line) => !line.trimStart().startsWith("#")).join(" ");
  const numbered = new Map<number, string>();
  for (const [, number, token] of lines.matchAll(/(?:^|\s)([0-9]{1,2})[.):]\s*(\S+)/g)) {
    if (!numbered.has(Number(number))) numbered.set(Number(number), token!);
  }
  const within = [...numbered.keys()].filter((number) => number >= 1 && number <= COUNT);
  if (within.length >= LEAST_NUMBERED) {
    return Array.from({ length: COUNT }, (_, place) => listed(numbered.get(place + 1) ?? ""));
  }
  const words = parseWords(copy);
  return words.length === COUNT ? words.map(listed) : [];
}

function listed(token: string): string {
  const word = fullWord(token.toLowerCase().replace(/[^a-z]/g, ""));
  return numberOf(word) === undefined ? UNKNOWN : word;
}
