/** One place that is open: its versions, the files in one, and the restore. */

import type { Listing, Version } from "../restore/engine.ts";
import type { Texts } from "../texts/en.ts";
import type { Office } from "../worker/office.ts";
import type { OpenedPlace } from "../worker/worker.ts";
import { h } from "./element.ts";
import { FileChoice } from "./file_choice.ts";
import { RestoreRun } from "./restore_run.ts";
import { sizeText } from "./sizes.ts";

export class PlaceView {
  readonly element = h("div");
  private readonly content = h("div", { class: "version" });
  private run: RestoreRun | null = null;

  constructor(
    private readonly office: Office,
    private readonly opened: OpenedPlace & { id: number },
    private readonly texts: Texts,
  ) {
    const { versions } = opened;
    if (!versions.length) return;
    const id = `version-${opened.id}`;
    const choice = h("select", { id, change: () => void this.choose(versions[choice.selectedIndex]!) });
    for (const version of versions) choice.append(h("option", {}, label(version, texts)));
    this.element.append(h("p", {}, h("label", { for: id }, texts.restore.version), " ", choice), this.content);
    void this.choose(versions[0]!);
  }

  /** A restore that runs ends. */
  stop(): void {
    this.run?.stop();
  }

  private async choose(version: Version): Promise<void> {
    const { texts } = this;
    this.stop();
    this.content.replaceChildren(h("p", { role: "status" }, texts.bring.reading));
    const told = [
      ...(version.broken.length ? [h("p", { class: "warning" }, texts.restore.broken(version.broken))] : []),
      ...(version.missing ? [h("p", { class: "hint" }, texts.restore.missing(version.missing))] : []),
    ];
    try {
      const listing = await this.office.list(this.opened.id, version.id);
      this.content.replaceChildren(...told, ...this.files(version, listing));
    } catch (problem) {
      this.content.replaceChildren(...told, h("p", { class: "warning" }, texts.restore.noList((problem as Error).message)));
    }
  }

  private files(version: Version, listing: Listing): HTMLElement[] {
    const run = new RestoreRun(this.office, this.opened.id, { dataset: this.opened.name ?? "", version }, this.texts);
    this.run = run;
    const choice = new FileChoice(listing.entries, this.texts, () => run.choose(choice.chosen, choice.counted));
    run.choose(choice.chosen, choice.counted);
    return [choice.element, run.element];
  }
}

function label({ time, files, bytes, label }: Version, texts: Texts): string {
  const moment = new Date(time);
  const when = Number.isNaN(moment.getTime()) ? time : new Intl.DateTimeFormat(texts.code, { dateStyle: "long", timeStyle: "short" }).format(moment);
  const counted = files === null ? [] : [texts.restore.files_(files), sizeText(bytes ?? 0, texts)];
  return [when, label, ...counted].filter(Boolean).join(" · ");
}
