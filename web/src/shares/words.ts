/** The words of a share: reading them from whatever people bring, completing them, and pointing at a wrong one. */

import { corrections, hasChecksum } from "./checksum.ts";
import list from "./wordlist.txt";

/** Words of a share of 256 bits. */
export const COUNT = 33;

/** The 1024 words in the order of SLIP-0039. */
export const WORDS: readonly string[] = list.trim().split("\n");

const NUMBERS = new Map(WORDS.map((word, number) => [word, number]));

/** The place of a word in the list, or undefined. */
export function numberOf(word: string): number | undefined {
  return NUMBERS.get(word);
}

/** The words of a share file, a typed sheet or a QR code: "#" begins a comment line; numbers, dots, case and spacing do not count. */
export function parseWords(text: string): string[] {
  const lines = text.replace(/^\ufeff/, "").split(/\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/);
  const said = lines.filter((line) => !line.trimStart().startsWith("#")).join(" ");
  const words = said.toLowerCase().match(/[a-z]+/g) ?? [];
  return words.map(fullWord);
}

/** The word of the list that begins like this, if four letters or more are given; else what was given. */
export function fullWord(word: string): string {
  const fitting = word.length >= 4 ? complete(word) : [];
  return fitting.length === 1 ? fitting[0]! : word;
}

/** The words that begin so; four letters leave one. */
export function complete(prefix: string): string[] {
  return WORDS.filter((word) => word.startsWith(prefix));
}

/** At most three words of the list that somebody may have meant, the most similar first. */
export function suggest(word: string): string[] {
  const beginning = word.length >= 4 ? complete(word.slice(0, 4)) : [];
  const near = WORDS.map((each) => ({ each, steps: distance(word, each) })).filter(({ steps }) => steps <= Math.max(1, word.length / 3));
  near.sort((one, other) => one.steps - other.steps);
  return [...new Set([...beginning, ...near.map(({ each }) => each)])].slice(0, 3);
}

/** How many letters must be changed, added or taken away (Levenshtein). */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [place, letter] of [...one].entries()) {
    const next = [place + 1];
    for (let index = 0; index < other.length; index++) {
      const changed = row[index]! + (letter === other[index] ? 0 : 1);
      next.push(Math.min(changed, row[index + 1]! + 1, next[index]! + 1));
    }
    row = next;
  }
  return row[other.length]!;
}

/** Each change of one word that would make the checksum right: position from 1, and the word; none when more than one is wrong. */
export function pinpoint(words: readonly string[]): { position: number; word: string }[] {
  const numbers = words.map(numberOf);
  const unknown = numbers.flatMap((number, place) => (number === undefined ? [place] : []));
  if (unknown.length > 1) return [];
  const found = corrections(numbers.map((number) => number ?? 0));
  const fitting = found.filter(([place]) => unknown.length === 0 || place === unknown[0]);
  if (unknown.length === 1 && zeroFits(numbers)) fitting.unshift([unknown[0]!, 0]);
  return fitting.map(([place, number]) => ({ position: place + 1, word: WORDS[number]! }));
}

function zeroFits(numbers: readonly (number | undefined)[]): boolean {
  return hasChecksum(numbers.map((number) => number ?? 0));
}
