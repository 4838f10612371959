/** The files of a version: a tree whose folders open one by one, to choose all of it or some. */

import { legible, parentOf } from "../paths.ts";
import type { Entry } from "../restore/engine.ts";
import type { Texts } from "../texts/en.ts";
import { h } from "./element.ts";
import { sizeText } from "./sizes.ts";

const MOST_SHOWN = 500;
const MOST_FOUND = 200;

/** How many files are chosen, and their bytes as far as they are known; `single`: the one that is chosen. */
export interface Counted {
  readonly files: number;
  readonly bytes: number | null;
  readonly single: Entry | null;
}

export class FileChoice {
  readonly element: HTMLElement;
  chosen: ReadonlySet<string> = new Set([""]);
  private readonly inFolder = new Map<string, Entry[]>();
  private readonly tree = h("div", { class: "tree" });

  constructor(
    private readonly entries: readonly Entry[],
    private readonly texts: Texts,
    private readonly changed: () => void,
  ) {
    for (const entry of entries) {
      const folder = parentOf(entry.path);
      const known = this.inFolder.get(folder);
      if (known) known.push(entry);
      else this.inFolder.set(folder, [entry]);
    }
    for (const inner of this.inFolder.values()) inner.sort((one, other) => Number(other.kind === "folder") - Number(one.kind === "folder") || (one.path < other.path ? -1 : 1));
    this.element = h("details", { class: "files" }, h("summary", {}, texts.restore.some), this.search(), this.tree);
    this.whole();
  }

  get counted(): Counted {
    const files = this.entries.filter(({ path, kind }) => kind === "file" && this.isChosen(path));
    const known = files.every(({ size }) => size !== null);
    const bytes = known ? files.reduce((sum, { size }) => sum + size!, 0) : null;
    return { files: files.length, bytes, single: files.length === 1 && !this.chosen.has("") ? files[0]! : null };
  }

  private search(): HTMLElement {
    const field = h("input", { type: "search", autocomplete: "off", input: () => (field.value.trim() ? this.found(field.value.trim()) : this.whole()) });
    return h("p", {}, h("label", {}, this.texts.restore.search, " ", field));
  }

  private whole(): void {
    const box = this.box("", this.texts.restore.everything);
    this.tree.replaceChildren(h("p", { class: "all" }, box), this.listOf(this.inFolder.get("") ?? []));
  }

  private found(wanted: string): void {
    const low = wanted.toLowerCase();
    const matching: Entry[] = [];
    for (const entry of this.entries) {
      if (legible(entry.path).toLowerCase().includes(low)) matching.push(entry);
      if (matching.length >= MOST_FOUND) break;
    }
    this.tree.replaceChildren(matching.length ? this.listOf(matching, true) : h("p", {}, this.texts.restore.notFound));
  }

  private listOf(entries: readonly Entry[], paths = false): HTMLElement {
    const list = h("ul");
    const add = (from: number): void => {
      list.append(...entries.slice(from, from + MOST_SHOWN).map((entry) => this.line(entry, paths)));
      const left = entries.length - from - MOST_SHOWN;
      if (left <= 0) return;
      const more = h("li", {}, h("button", { type: "button", class: "small", click: () => (more.remove(), add(from + MOST_SHOWN)) }, this.texts.restore.more(left)));
      list.append(more);
    };
    add(0);
    return list;
  }

  private line(entry: Entry, path: boolean): HTMLElement {
    const name = legible(path ? entry.path : entry.path.slice(parentOf(entry.path).length).replace(/^\//, ""));
    const size = entry.size === null ? "" : ` · ${sizeText(entry.size, this.texts)}`;
    const box = this.box(entry.path, entry.kind === "folder" ? `${name}/` : name + size);
    if (entry.kind !== "folder" || path) return h("li", {}, box);
    const inner = h("div");
    const toggle = h("button", { type: "button", class: "small fold", "aria-expanded": "false", "aria-label": this.texts.restore.open(name), click: () => this.fold(entry, toggle, inner) }, "+");
    return h("li", {}, toggle, " ", box, inner);
  }

  private fold(entry: Entry, toggle: HTMLElement, inner: HTMLElement): void {
    const open = toggle.getAttribute("aria-expanded") !== "true";
    toggle.setAttribute("aria-expanded", String(open));
    toggle.textContent = open ? "−" : "+";
    inner.replaceChildren(...(open ? [this.listOf(this.inFolder.get(entry.path) ?? [])] : []));
  }

  private box(path: string, text: string): HTMLElement {
    const field = h("input", { type: "checkbox", "data-path": path, change: () => this.toggle(path, field.checked) });
    field.checked = this.isChosen(path);
    return h("label", { class: "choice" }, field, " ", text);
  }

  private isChosen(path: string): boolean {
    if (this.chosen.has("")) return true;
    for (let each = path; each !== ""; each = parentOf(each)) if (this.chosen.has(each)) return true;
    return false;
  }

  /** Taking one out of a chosen folder chooses all that is beside it instead. */
  private toggle(path: string, on: boolean): void {
    const chosen = new Set(this.chosen);
    if (on) {
      for (const each of chosen) if (path === "" || each.startsWith(`${path}/`)) chosen.delete(each);
      chosen.add(path);
    } else {
      for (const above of foldersAbove(path)) {
        if (!chosen.delete(above)) continue;
        for (const { path: beside } of this.inFolder.get(above) ?? []) chosen.add(beside);
      }
      for (const each of chosen) if (path === "" || each === path || each.startsWith(`${path}/`)) chosen.delete(each);
    }
    this.chosen = chosen;
    for (const field of this.tree.querySelectorAll<HTMLInputElement>("input[data-path]")) field.checked = this.isChosen(field.dataset.path!);
    this.changed();
  }
}

/** The highest first; the root is one. */
function foldersAbove(path: string): string[] {
  const found: string[] = [];
  for (let each = path; each !== ""; ) found.unshift((each = parentOf(each)));
  return found;
}
