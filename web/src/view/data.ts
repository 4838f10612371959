/** Which data lies where, and what opens it there. */

import { entryOf, isObject, type JsonObject } from "../json.ts";
import type { Texts } from "../texts/en.ts";
import { h } from "./element.ts";
import { objects, row, text } from "./opened.ts";
import { copyButton, secret } from "./secret.ts";

export function dataView(config: JsonObject, texts: Texts): HTMLElement[] {
  const datasets = objects(config.datasets);
  if (!datasets.length) return [h("p", {}, texts.data.none)];
  return [...datasets.map((dataset) => datasetCard(dataset, config, texts)), h("p", { class: "hint" }, texts.data.how)];
}

function datasetCard(dataset: JsonObject, config: JsonObject, texts: Texts): HTMLElement {
  const places = objects(dataset.destinations).map((place) => placeView(text(dataset.id), place, config, texts));
  const description = text(dataset.description);
  return h("div", { class: "card" }, h("h3", {}, text(dataset.id)), description ? h("p", {}, description) : null, ...places);
}

function placeView(dataset: string, place: JsonObject, config: JsonObject, texts: Texts): HTMLElement {
  const name = `${dataset}/${text(place.id)}`;
  const address = text(place.url) || text(place.repository) || text(place.uuid);
  const kind = entryOf(texts.data.kinds, text(place.protocol)) ?? text(place.protocol);
  const archive = place.encryption === "gpg";
  return h(
    "div",
    { class: "place" },
    h("h4", {}, `${texts.data.place}: ${text(place.id)}`),
    h(
      "dl",
      {},
      ...row(texts.field.protocol!, h("span", {}, archive ? texts.data.archive(kind) : kind)),
      ...(address ? row(texts.field.address!, h("span", {}, address, " ", copyButton(address, `${name}, ${texts.field.address}`, texts))) : []),
      ...access(name, place, texts),
      ...password(name, config, texts),
    ),
  );
}

function access(name: string, place: JsonObject, texts: Texts): HTMLElement[] {
  const credentials = isObject(place.credentials) ? Object.entries(place.credentials) : [];
  return credentials.flatMap(([key, value]) => (text(value) ? row(`${texts.field.credentials} (${key})`, secret(text(value), `${name}, ${key}`, texts)) : []));
}

/** What Paradux itself has made up for a repository. */
function password(name: string, config: JsonObject, texts: Texts): HTMLElement[] {
  const keys = isObject(config.managed) && isObject(config.managed.data_keys) ? Object.entries(config.managed.data_keys) : [];
  const found = keys.find(([uid, key]) => isObject(key) && (uid === name || key.name === name))?.[1];
  const value = isObject(found) ? text(found.password) : "";
  return value ? row(texts.data.key, secret(value, `${name}, ${texts.data.key}`, texts)) : [];
}
