/** Sizes as people read them. */

import type { Texts } from "../texts/en.ts";

const UNITS = ["B", "kB", "MB", "GB", "TB"];

export function sizeText(bytes: number, texts: Texts): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit && value < 10 ? 1 : 0;
  return `${new Intl.NumberFormat(texts.code, { maximumFractionDigits: digits }).format(value)} ${UNITS[unit]}`;
}
