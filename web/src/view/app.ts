/** The page as a whole: what was brought so far, and which of its parts show it. */

import { Collection } from "../collection/collection.ts";
import { open, type Outcome } from "../config/opening.ts";
import { isObject, type JsonObject } from "../json.ts";
import { bring } from "../files/bringing.ts";
import type { Chosen } from "../files/chosen.ts";
import { type Check, checkKit } from "../kits/check.ts";
import { type Kit, type Material, material, materialsOf } from "../kits/folder.ts";
import { nameOf } from "../kits/manifest.ts";
import type { Share } from "../shares/share.ts";
import { chosenLanguage, LANGUAGES, type Language, TEXTS } from "../texts/languages.ts";
import { aloneSection } from "./alone.ts";
import { bringSection } from "./bring.ts";
import { h } from "./element.ts";
import { foundView } from "./found.ts";
import { openedSections } from "./opened.ts";
import { RestoreView } from "./restore.ts";

/** A sentence that must be said again when the language changes. */
export type Note = (texts: (typeof TEXTS)[Language]) => string;

export interface State {
  readonly language: Language;
  readonly collection: Collection;
  readonly checks: readonly Check[];
  readonly outcome: Outcome | null;
  readonly notes: readonly Note[];
}

export class App {
  private state: State;
  private readonly found = h("div", { id: "found", role: "status", "aria-live": "polite" });
  private readonly main = h("main");
  private bring = h("div");
  private readonly alone = h("div");
  private readonly opened = h("div");
  private restore = this.newRestore();

  constructor(private readonly page: HTMLElement) {
    this.state = { language: chosenLanguage(navigator.languages), collection: new Collection(), checks: [], outcome: null, notes: [] };
  }

  start(): void {
    this.whole();
    addEventListener("dragover", (event) => event.preventDefault());
    addEventListener("drop", (event) => event.preventDefault()); // beside the field a file would take the place of the page
  }

  /** All of the page anew, in the language of the state. */
  private whole(): void {
    const texts = TEXTS[this.state.language];
    document.documentElement.lang = this.state.language;
    const actions = {
      files: (chosen: readonly Chosen[]) => this.bringFiles(chosen),
      words: (text: string, from: string) => this.add([material(from, { shareText: text })]),
      again: () => this.again(),
    };
    this.bring = h("div", {}, bringSection(texts, actions), this.alone, this.found);
    this.page.replaceChildren(this.header(), this.main);
    this.update();
  }

  private header(): HTMLElement {
    const texts = TEXTS[this.state.language];
    const choice = h("select", {
      id: "language",
      change: () => {
        this.state = { ...this.state, language: choice.value as Language };
        this.whole();
        document.getElementById("language")?.focus();
      },
    });
    for (const [language, name] of Object.entries(LANGUAGES)) {
      choice.append(h("option", { value: language, lang: language, selected: language === this.state.language }, name));
    }
    return h(
      "header",
      {},
      h("div", { class: "language" }, h("label", { for: "language" }, texts.language), " ", choice),
      h("h1"),
      h("p", {}, texts.intro),
      h("p", { class: "safe" }, texts.safe),
    );
  }

  /** What depends on what was brought. */
  private update(): void {
    const texts = TEXTS[this.state.language];
    this.page.querySelector("h1")!.textContent = this.titleNow();
    this.found.replaceChildren(...foundView(this.state, texts));
    this.alone.replaceChildren(...aloneSection(this.state, texts));
    this.opened.replaceChildren(...openedSections(this.state, this.restore, texts));
    const isOpen = Boolean(this.state.outcome?.opened.length);
    this.page.classList.toggle("is-open", isOpen);
    const order = isOpen ? [this.opened, this.bring] : [this.bring, this.opened];
    if (order[0] !== this.main.firstChild) this.main.replaceChildren(...order); // else whoever is typing goes on
  }

  private titleNow(): string {
    const signed = this.newest?.owner; // before a file is open, nobody vouches for what a kit says
    const owner = isObject(signed) && typeof signed.name === "string" ? nameOf(signed.name) : this.state.collection.main?.info?.ownerName;
    const texts = TEXTS[this.state.language];
    document.title = owner ? texts.titleOf(owner) : texts.title;
    return document.title;
  }

  private get newest(): JsonObject | null {
    return this.state.outcome?.opened[0]?.config ?? null;
  }

  /** What is brought to one field may be meant for the other. */
  private newRestore(): RestoreView {
    return new RestoreView(() => this.newest, (chosen) => this.bringParts(chosen));
  }

  private async bringFiles(chosen: readonly Chosen[]): Promise<void> {
    if (!(await this.restore.bring(chosen, TEXTS[this.state.language]))) await this.bringParts(chosen);
  }

  /** Whether something of a kit was among them. */
  private async bringParts(chosen: readonly Chosen[]): Promise<boolean> {
    const brought = await bring(chosen);
    const notes: Note[] = [
      ...brought.unread.slice(0, 5).map((name): Note => (texts) => texts.bring.unread(name)),
      ...brought.useless.slice(0, 5).map((name): Note => (texts) => (/\.(jpe?g|png|webp|gif|bmp)$/i.test(name) ? texts.bring.noCode(name) : texts.bring.nothing(name))),
    ];
    const name = chosen[0]?.path.split("/")[0] ?? "";
    if (chosen.length && !brought.kits.length && !brought.loose.length && !notes.length) notes.push((texts) => texts.bring.nothing(name));
    this.state = { ...this.state, notes };
    await this.addKits(brought.kits, brought.loose);
    return brought.kits.length + brought.loose.length > 0;
  }

  private async addKits(kits: readonly Kit[], loose: readonly Material[]): Promise<void> {
    const checks: Check[] = [];
    const materials: Material[] = [];
    for (const kit of kits) {
      const own = materialsOf(kit);
      materials.push(...own);
      checks.push(await checkKit(kit, sharesOf(own)));
    }
    this.state = { ...this.state, checks: [...this.state.checks, ...checks] };
    await this.add([...materials, ...loose]);
  }

  private async add(materials: readonly Material[]): Promise<void> {
    const collection = materials.reduce((all, each) => all.add(each), this.state.collection);
    const before = Boolean(this.state.outcome?.opened.length);
    this.state = { ...this.state, collection, outcome: await open(collection) };
    this.update();
    if (!before && this.state.outcome?.opened.length) document.getElementById("opened")?.focus();
  }

  private again(): void {
    this.state = { ...this.state, collection: new Collection(), checks: [], outcome: null, notes: [] };
    this.restore = this.newRestore();
    this.whole();
  }
}

function sharesOf(materials: readonly Material[]): Share[] {
  return materials.reduce((all, each) => all.add(each), new Collection()).shares;
}
