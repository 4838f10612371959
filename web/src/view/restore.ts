/** Bringing the data back: which places were brought, what is in them, and where it shall go. */

import type { Chosen } from "../files/chosen.ts";
import type { JsonObject } from "../json.ts";
import { openingsFor } from "../places/keys.ts";
import { newestVersion, type Place, placesAmong } from "../places/places.ts";
import type { Texts } from "../texts/en.ts";
import { Office } from "../worker/office.ts";
import type { OpenedPlace } from "../worker/worker.ts";
import { dropField } from "./bring.ts";
import { h } from "./element.ts";
import { PlaceView } from "./place.ts";

/** A place, and what it turned out to be. */
interface Shown {
  readonly place: Place;
  readonly opened: (OpenedPlace & { id: number }) | null;
  /** Names of its objects that are not good. */
  readonly damaged: readonly string[];
  /** Of a plain copy: its newest version. */
  readonly version: string;
}

export class RestoreView {
  private readonly shown: Shown[] = [];
  private readonly list = h("div", { id: "places", "aria-live": "polite" });
  private readonly busy = h("p", { class: "busy", role: "status" });
  private office: Office | null = null;
  /** What is shown of each place, until the language changes: a restore goes on while another place is brought. */
  private readonly views = new Map<Shown, { texts: Texts; element: HTMLElement; view: PlaceView | null }>();

  /** `config` is the newest that was opened, null before that; `elsewhere` takes what is no data, and says whether it was of use. */
  constructor(
    private readonly config: () => JsonObject | null,
    private readonly elsewhere: (chosen: readonly Chosen[]) => Promise<boolean>,
  ) {}

  /** Anew, in this language. */
  section(texts: Texts): HTMLElement[] {
    const take = async (chosen: Promise<readonly Chosen[]> | readonly Chosen[]): Promise<void> => {
      this.busy.textContent = texts.bring.reading;
      try {
        const given = await chosen;
        if (!(await this.bring(given, texts)) && !(await this.elsewhere(given))) this.list.append(h("p", { class: "note" }, texts.restore.nothing(given[0]?.path.split("/")[0] ?? "")));
      } finally {
        this.busy.textContent = "";
      }
    };
    this.show(texts);
    return [
      h("p", {}, texts.restore.how),
      dropField({ drop: texts.restore.drop, folder: texts.restore.folder, files: texts.restore.files, ids: ["data-folder", "data-files"] }, take),
      h("p", { class: "hint" }, texts.bring.upload),
      this.busy,
      this.list,
    ];
  }

  /** Take what is a place of these files; false when nothing is. */
  async bring(chosen: readonly Chosen[], texts: Texts): Promise<boolean> {
    const config = this.config();
    const places = config ? placesAmong(chosen) : [];
    for (const place of places) {
      const known = this.shown.findIndex((each) => each.place.kind === place.kind && each.place.folder === place.folder);
      if (known >= 0) this.shown.splice(known, 1);
      this.shown.unshift(await this.opened(place, config!));
    }
    if (places.length) this.show(texts);
    return places.length > 0;
  }

  private async opened(place: Place, config: JsonObject): Promise<Shown> {
    if (place.kind === "tree") return { place, opened: null, damaged: [], version: await newestVersion(place) };
    this.office ??= new Office();
    const damaged: string[] = [];
    for (const opening of await openingsFor(place, config)) {
      const opened = await this.office.open(opening, place.files);
      damaged.push(...opened.damaged);
      if (opened.name !== null) return { place, opened, damaged: opened.damaged, version: "" };
    }
    return { place, opened: null, damaged, version: "" };
  }

  private show(texts: Texts): void {
    for (const [shown, { view }] of this.views) {
      if (this.shown.includes(shown) && this.views.get(shown)!.texts === texts) continue;
      view?.stop();
      this.views.delete(shown);
    }
    this.list.replaceChildren(...this.shown.map((each) => this.view(each, texts)));
  }

  private view(shown: Shown, texts: Texts): HTMLElement {
    const known = this.views.get(shown);
    if (known) return known.element;
    const view = shown.opened && new PlaceView(this.office!, shown.opened, texts);
    const element = card(shown, view?.element ?? null, texts);
    this.views.set(shown, { texts, element, view });
    return element;
  }
}

function card({ place, opened, damaged, version }: Shown, view: HTMLElement | null, texts: Texts): HTMLElement {
  const folder = place.folder || texts.restore.here;
  const name = opened?.name;
  const title = name ? `${name} · ${texts.restore.kinds[place.kind]}` : texts.restore.kinds[place.kind];
  return h(
    "section",
    { class: `card place-${place.kind}`, "aria-label": title },
    h("h3", {}, title),
    h("p", { class: "hint" }, texts.restore.from(folder)),
    place.kind === "tree" ? h("p", {}, texts.restore.tree, " ", h("code", {}, `${place.folder ? `${place.folder}/` : ""}versions/${version}`)) : null,
    place.kind !== "tree" && !opened ? h("p", { class: "warning" }, texts.restore.noKey) : null,
    ...(damaged.length ? [h("p", { class: "warning" }, texts.restore.damagedObjects(damaged))] : []),
    opened && !opened.versions.length ? h("p", { class: "warning" }, texts.restore.noVersion) : null,
    view,
  );
}
