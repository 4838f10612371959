/** What was brought, thing by thing, and what is still missing. */

import type { Finding, ShareSet } from "../collection/collection.ts";
import type { Contact, Member } from "../kits/manifest.ts";
import type { Texts } from "../texts/en.ts";
import type { State } from "./app.ts";
import { card } from "./contact.ts";
import { h } from "./element.ts";

export function foundView(state: State, texts: Texts): HTMLElement[] {
  const { collection, notes, outcome } = state;
  const findings = collection.findings;
  const main = collection.main;
  const listed = findings.map((finding, place) => ({ finding, carries: Boolean(collection.entries[place]!.material.config) }));
  const shown = listed.filter(({ finding, carries }) => finding.state !== "no-share" || !carries || finding.steward !== null);
  return [
    ...notes.map((note) => h("p", { class: "note" }, note(texts))),
    ...(shown.length ? [h("ul", { class: "findings" }, ...shown.map(({ finding, carries }) => line(finding, carries, texts)))] : []),
    ...(main ? progress(main, findings, state, texts) : []),
    ...(outcome?.opened.length ? [] : (outcome?.refused ?? []).map(({ label, problem }) => h("p", { class: "note" }, texts.refused(label, problem)))),
  ];
}

function line(finding: Finding, carries: boolean, texts: Texts): HTMLElement {
  const whose = finding.steward ? texts.part(finding.steward) : texts.partFrom(finding.label);
  const { problem } = finding;
  const words = [
    texts.finding(finding.state, whose, finding.epoch, finding.owner, finding.replaced),
    problem ? texts.problem(problem.problem, problem.positions, problem.count) : "",
    finding.state === "no-share" && carries ? texts.carries : "",
  ];
  return h("li", { class: finding.state }, h("span", { class: "mark" }, texts.words[finding.state]), " ", words.filter(Boolean).join(" "));
}

/** Only good parts are counted: an altered one may be good on its owner's sheet. */
function progress(main: ShareSet, findings: readonly Finding[], state: State, texts: Texts): HTMLElement[] {
  const isOpen = Boolean(state.outcome?.opened.length);
  const held = isOpen ? main.held : findings.filter((finding) => finding.state === "good").map((finding) => finding.steward ?? finding.label);
  const left = isOpen ? 0 : main.threshold - held.length;
  const counted = Math.min(held.length, main.threshold);
  const said = h("p", { class: "progress" }, h("strong", {}, texts.progress(held.length, main.threshold, held)), " ", left <= 0 ? texts.enough : "");
  const meter = h("progress", { max: String(main.threshold), value: String(counted), "aria-label": texts.progress(counted, main.threshold, []) });
  if (left <= 0) return [said, meter, ...(isOpen ? [] : [h("p", { class: "warning" }, texts.noFile)])];
  const people = missing(main, findings).map((member) => contactOf(member.stewardId, member.steward, state));
  if (!people.length) return [said, meter, h("p", {}, texts.missingUnknown(left))];
  return [said, meter, h("p", {}, texts.missing(left)), h("div", { class: "cards" }, ...people.map((person) => card(person, texts)))];
}

function missing(main: ShareSet, findings: readonly Finding[]): Member[] {
  const good = findings.filter((finding) => finding.state === "good").map((finding) => finding.steward);
  return main.info?.set.shares.filter(({ steward }) => steward && !good.includes(steward)) ?? [];
}

/** What the kits tell of somebody, who may be known by name only; those that are signed come first: somebody may have changed a stick. */
function contactOf(id: string, name: string, { collection, checks }: State): Contact {
  const signed = checks.flatMap((check) => (check.signed && check.info ? [check.info] : []));
  const known = [...signed, ...collection.manifests].flatMap(({ contacts }) => contacts).find((each) => each.id === id && each.name === name);
  return known ?? { id, name, phone: "", email: "" };
}
