/** One kit alone, at home: that it works, and what the steward may read to the owner. */

import { confirmationCode, spoken } from "../confirmation/code.ts";
import type { Check } from "../kits/check.ts";
import type { Texts } from "../texts/en.ts";
import type { State } from "./app.ts";
import { h } from "./element.ts";

export function aloneSection(state: State, texts: Texts): HTMLElement[] {
  const { checks, collection, outcome } = state;
  if (outcome?.opened.length) return [];
  const [check, another] = checks;
  if (check && !another && collection.shares.length <= 1) return [section(texts, ...ofKit(check, texts))];
  const [share, more] = collection.shares;
  if (!checks.length && share && !more) return [section(texts, ...codeView((date, challenge) => confirmationCode(share, { kind: "words", kit: null, date, challenge }), texts))];
  return [];
}

function section(texts: Texts, ...children: HTMLElement[]): HTMLElement {
  return h("section", { class: "alone", "aria-labelledby": "alone-title" }, h("h2", { id: "alone-title" }, texts.steps.alone), ...children);
}

function ofKit(check: Check, texts: Texts): HTMLElement[] {
  const { kind, share, info } = check;
  const owner = info?.ownerName ?? "";
  const verdict = kind === "whole" ? texts.alone.works(owner) : kind ? texts.alone.share : texts.alone.bad;
  const code = (date: string, challenge: string): string =>
    confirmationCode(share!, { kind: kind!, kit: info && { info, manifest: check.kit.files.get("kit.json")! }, date, challenge });
  return [
    h("p", { class: kind === "whole" ? "fine" : "warning" }, verdict),
    ...(check.rotten.length ? [h("p", {}, texts.alone.rotten(check.rotten))] : []),
    ...(check.missing.length ? [h("p", {}, texts.alone.missing(check.missing))] : []),
    ...(info && !check.signed ? [h("p", {}, texts.alone.unsigned)] : []),
    ...(kind ? codeView(code, texts) : []),
    h("p", {}, texts.alone.away),
  ];
}

function codeView(code: (date: string, challenge: string) => string, texts: Texts): HTMLElement[] {
  const output = h("output", { class: "code", for: "challenge", "aria-label": texts.alone.codeLabel });
  const problem = h("span", { id: "challenge-problem", role: "status" });
  const field = h("input", {
    id: "challenge",
    inputmode: "numeric",
    autocomplete: "off",
    size: "8",
    maxlength: "9",
    "aria-describedby": "challenge-problem",
    input: () => show(),
  });
  function show(): void {
    const challenge = field.value.replace(/\D/g, "");
    const fits = challenge.length === 0 || challenge.length === 6;
    problem.textContent = fits ? "" : texts.alone.challengeBad;
    output.textContent = fits ? spoken(code(new Date().toISOString().slice(0, 10), challenge)) : "…";
  }
  show();
  return [
    h("p", {}, texts.alone.code),
    h("p", {}, h("label", { for: "challenge" }, texts.alone.challenge), " ", field, " ", problem),
    h("p", {}, output),
  ];
}
