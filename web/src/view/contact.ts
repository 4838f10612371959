/** Somebody to call. */

import type { Texts } from "../texts/en.ts";
import { type Child, h, lines } from "./element.ts";

export interface Person {
  readonly name: string;
  readonly phone: string;
  readonly email: string;
  readonly address?: string;
}

export function card(person: Person, texts: Texts, role = ""): HTMLElement {
  const rows: Child[] = [
    person.phone ? row(texts.field.phone!, link("tel:", person.phone, /^[+\d][\d\s()/.-]*$/)) : null,
    person.email ? row(texts.field.email!, link("mailto:", person.email, /^[^\s@<>?&"]+@[^\s@<>?&"]+$/)) : null,
    person.address ? row(texts.field.address!, h("span", {}, ...lines(person.address))) : null,
  ];
  return h("div", { class: "card" }, h("p", { class: "name" }, h("strong", {}, person.name), role && ` · ${role}`), ...rows);
}

function row(label: string, value: Node): HTMLElement {
  return h("p", {}, h("span", { class: "label" }, `${label}: `), value);
}

/** A link if the text looks as it should; otherwise the text. */
function link(scheme: string, text: string, form: RegExp): Node {
  if (!form.test(text)) return document.createTextNode(text);
  return h("a", { href: scheme + text.replace(/[^\w+@.%-]/g, (letter) => (scheme === "tel:" ? "" : encodeURIComponent(letter))) }, text);
}
