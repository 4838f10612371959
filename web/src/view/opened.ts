/** What the opened file says: how old it is, what the family must know, people, data, and all of it. */

import { generationOf, newerThan, type Opened } from "../config/opening.ts";
import { isObject, type Json, type JsonObject } from "../json.ts";
import type { Texts } from "../texts/en.ts";
import type { State } from "./app.ts";
import { card, type Person } from "./contact.ts";
import { dataView } from "./data.ts";
import { type Child, h, lines } from "./element.ts";
import type { RestoreView } from "./restore.ts";
import { saveBlob } from "./saving.ts";
import { copyButton, secret } from "./secret.ts";

export function openedSections(state: State, restore: RestoreView, texts: Texts): HTMLElement[] {
  const newest = state.outcome?.opened[0];
  if (!newest) return [];
  return [
    h("section", { "aria-labelledby": "opened" }, h("h2", { id: "opened", tabindex: "-1", class: "fine" }, texts.opened.open), ...about(newest, state, texts)),
    part("inventory", texts.steps.inventory, ...inventory(newest.config, texts)),
    part("people", texts.steps.people, h("div", { class: "cards" }, ...people(newest.config, texts))),
    part("data", texts.steps.data, ...dataView(newest.config, texts)),
    part("restore", texts.steps.restore, ...restore.section(texts)),
    part("all", texts.steps.all, ...everything(newest, texts)),
    part("end", texts.steps.end, h("p", {}, texts.end)),
  ];
}

function part(id: string, title: string, ...children: HTMLElement[]): HTMLElement {
  return h("section", { id, "aria-labelledby": `${id}-title` }, h("h2", { id: `${id}-title` }, title), ...children);
}

function about(newest: Opened, { outcome, collection, language }: State, texts: Texts): HTMLElement[] {
  const { serial, date } = newest.header;
  const moment = new Date(date);
  const known = !Number.isNaN(moment.getTime());
  const day = known ? new Intl.DateTimeFormat(language, { dateStyle: "long" }).format(moment) : date;
  const days = Math.floor((Date.now() - moment.getTime()) / 86_400_000);
  const newer = newerThan(outcome!.opened, collection);
  const older = outcome!.opened.length - 1;
  const rival = outcome!.opened.slice(1).some((each) => each.header.serial === serial && each.header.epoch === newest.header.epoch && generationOf(each) === generationOf(newest));
  return [
    h("p", {}, texts.opened.from(serial, day, newest.label), " ", known ? (days < 0 ? texts.opened.future : texts.opened.age(days)) : ""),
    ...(newer ? [h("p", { class: "warning" }, texts.opened.newer(newer.serial, newer.epoch))] : []),
    ...(rival ? [h("p", { class: "warning" }, texts.opened.differ)] : []),
    ...elsewhere(newest.config, texts),
    ...(older > 0 && !rival ? [h("p", { class: "hint" }, texts.opened.others(older))] : []),
  ];
}

/** Where a newer copy of the file may lie. */
function elsewhere(config: JsonObject, texts: Texts): HTMLElement[] {
  const places = objects(config.metadata_stashes).flatMap((stash) => {
    const address = (isObject(stash.kit_access) && text(stash.kit_access.url)) || text(stash.url) || text(stash.uuid);
    return address ? [h("li", {}, `${text(stash.id)}: ${address} `, copyButton(address, text(stash.id), texts))] : [];
  });
  return places.length ? [h("div", { class: "hint" }, h("p", {}, texts.opened.elsewhere), h("ul", {}, ...places))] : [];
}

const FIELDS = ["url", "username", "password", "notes"];

function inventory(config: JsonObject, texts: Texts): HTMLElement[] {
  const entries = objects(config.inventory);
  return entries.length ? entries.map((entry) => inventoryCard(entry, texts)) : [h("p", {}, texts.inventoryEmpty)];
}

function inventoryCard(entry: JsonObject, texts: Texts): HTMLElement {
  const name = text(entry.name);
  const rows = FIELDS.filter((field) => text(entry[field])).map((field) => {
    const label = texts.field[field]!;
    return row(label, field === "password" ? secret(text(entry[field]), `${name}, ${label}`, texts) : plain(text(entry[field]), `${name}, ${label}`, field !== "notes", texts));
  });
  return h("div", { class: "card" }, h("h3", {}, name), h("dl", {}, ...rows.flat()));
}

export function row(label: string, value: Node): HTMLElement[] {
  return [h("dt", {}, label), h("dd", {}, value)];
}

/** An address is a text, never a link: there is no network here, and it may lead anywhere. */
function plain(value: string, what: string, copies: boolean, texts: Texts): HTMLElement {
  const children: Child[] = [...lines(value)];
  return h("span", {}, ...children, ...(copies ? [" ", copyButton(value, what, texts)] : []));
}

function people(config: JsonObject, texts: Texts): HTMLElement[] {
  const owner = isObject(config.owner) ? [card(person(config.owner), texts, texts.owner)] : [];
  return [...owner, ...objects(config.stewards).map((each) => card(person(each), texts, texts.helper))];
}

function person(entry: JsonObject): Person {
  return { name: text(entry.name), phone: text(entry.phone), email: text(entry.email), address: text(entry.address) };
}

function everything(newest: Opened, texts: Texts): HTMLElement[] {
  return [
    h("p", {}, texts.all.text),
    h(
      "p",
      { class: "buttons" },
      h("button", { type: "button", id: "save", click: () => save(newest) }, texts.all.save),
      h("button", { type: "button", click: () => print(false) }, texts.all.print),
      h("button", { type: "button", click: () => print(true) }, texts.all.printAll),
    ),
  ];
}

function save({ text }: Opened): void {
  saveBlob(new Blob([text], { type: "application/json" }), "config.json");
}

function print(secrets: boolean): void {
  const masked = [...document.querySelectorAll(".secret")];
  for (const each of masked) each.dispatchEvent(new Event(secrets ? "reveal" : "mask"));
  window.print();
  for (const each of masked) each.dispatchEvent(new Event("mask"));
}

export function objects(value: Json | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

export function text(value: Json | undefined): string {
  return typeof value === "string" ? value : typeof value === "number" ? String(value) : "";
}
