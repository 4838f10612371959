/** The languages of the page. */

import { de } from "./de.ts";
import { en } from "./en.ts";

export const TEXTS = { en, de };
export const LANGUAGES = { en: "English", de: "Deutsch" };
export type Language = keyof typeof TEXTS;

/** The first of the browser's languages that the page knows; English if it knows none. */
export function chosenLanguage(wanted: readonly string[]): Language {
  const known = wanted.map((each) => each.split("-")[0]!.toLowerCase()).find((each) => each in TEXTS);
  return (known ?? "en") as Language;
}
