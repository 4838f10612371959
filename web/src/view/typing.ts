/** The words of a sheet, typed: completed, counted, and the wrong one named with the right one offered. Words are never shown elsewhere. */

import { readShare, ShareError } from "../shares/share.ts";
import { COUNT, parseWords, pinpoint, suggest } from "../shares/words.ts";
import type { Texts } from "../texts/en.ts";
import { h } from "./element.ts";

const MOST_OFFERED = 3;

export function typing(texts: Texts, use: (text: string) => Promise<void>): HTMLElement {
  const help = h("div", { id: "typing-help", role: "status", "aria-live": "polite" });
  const add = h("button", {
    type: "button",
    disabled: true,
    click: () => {
      void use(field.value);
      field.value = "";
      check();
    },
  }, texts.typing.add);
  const field = h("textarea", {
    id: "words",
    rows: "5",
    spellcheck: "false",
    autocomplete: "off",
    autocapitalize: "none",
    "aria-describedby": "typing-help",
    input: () => check(),
  });
  function put(position: number, word: string): void {
    const words = parseWords(field.value);
    words[position - 1] = word;
    field.value = words.join(" ");
    field.focus();
    check();
  }
  function check(): void {
    const words = parseWords(field.value);
    const whole = isShare(words);
    add.disabled = !whole;
    help.replaceChildren(h("p", {}, texts.typing.count(words.length)), ...(whole ? [] : hints(words, isBegun(field.value), texts, put)));
  }
  check();
  return h(
    "details",
    { class: "typing" },
    h("summary", {}, texts.typing.title),
    h("p", {}, h("label", { for: "words" }, texts.typing.label)),
    field,
    help,
    h("p", {}, add),
  );
}

function isShare(words: readonly string[]): boolean {
  try {
    return Boolean(readShare(words));
  } catch (problem) {
    if (problem instanceof ShareError) return false;
    throw problem;
  }
}

/** Whether the last word is still being typed. */
function isBegun(text: string): boolean {
  return /[a-z]$/i.test(text);
}

type Put = (position: number, word: string) => void;

function hints(words: readonly string[], begun: boolean, texts: Texts, put: Put): HTMLElement[] {
  const done = begun && words.length < COUNT ? words.slice(0, -1) : words;
  const unknown = unknownOf(done);
  if (unknown.length) return unknown.slice(0, MOST_OFFERED).map((position) => offer(position, candidates(words, position), texts, put));
  if (words.length !== COUNT) return [];
  const [only, another] = pinpoint(words);
  if (!only || another) return [h("p", {}, texts.typing.wrongSomewhere)];
  return [h("p", {}, texts.typing.wrong(only.position), " ", choice(only.position, only.word, texts, put))];
}

function unknownOf(words: readonly string[]): number[] {
  try {
    readShare([...words, ...new Array<string>(COUNT - Math.min(COUNT, words.length)).fill("academic")].slice(0, COUNT));
  } catch (problem) {
    if (problem instanceof ShareError && problem.problem === "unknown-word") return [...problem.positions];
  }
  return [];
}

/** What may stand there: with all words there the checksum tells, else only what looks like it. */
function candidates(words: readonly string[], position: number): string[] {
  const certain = words.length === COUNT ? pinpoint(words).map(({ word }) => word) : [];
  const similar = suggest(words[position - 1]!);
  const both = similar.filter((word) => certain.includes(word));
  return both.length ? both : [...new Set([...certain.slice(0, 1), ...similar])];
}

function offer(position: number, words: readonly string[], texts: Texts, put: Put): HTMLElement {
  if (!words.length) return h("p", {}, texts.typing.unknownAlone(position));
  return h("p", {}, texts.typing.unknown(position), " ", ...words.slice(0, MOST_OFFERED).map((word) => choice(position, word, texts, put)));
}

function choice(position: number, word: string, texts: Texts, put: Put): HTMLElement {
  return h("button", { type: "button", class: "word", "aria-label": texts.typing.use(word, position), click: () => put(position, word) }, word);
}
