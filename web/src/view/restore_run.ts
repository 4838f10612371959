/** Where the chosen files go: asked, done with progress, and told in the end what is not whole. */

import { folderChooser, newFolder } from "../output/folder.ts";
import { legible, plainly, shown } from "../paths.ts";
import type { Progress, Reason, Version } from "../restore/engine.ts";
import type { Texts } from "../texts/en.ts";
import type { Destination, Office } from "../worker/office.ts";
import type { Restored } from "../worker/worker.ts";
import { h } from "./element.ts";
import type { Counted } from "./file_choice.ts";
import { saveBlob } from "./saving.ts";
import { sizeText } from "./sizes.ts";

const ZIP_LIMIT = 2 ** 31;
const MOST_TOLD = 50;

export interface What {
  readonly dataset: string;
  readonly version: Version;
}

export class RestoreRun {
  readonly element = h("div", { class: "run" });
  private readonly buttons = h("p", { class: "buttons" });
  private readonly told = h("p");
  private readonly outcome = h("div", { class: "outcome" });
  private chosen: readonly string[] = [""];
  private counted: Counted = { files: 0, bytes: 0, single: null };
  private running = false;

  constructor(
    private readonly office: Office,
    private readonly id: number,
    private readonly what: What,
    private readonly texts: Texts,
  ) {
    this.element.append(this.told, this.buttons, h("p", { class: "hint" }, texts.restore.limits), this.outcome);
  }

  choose(chosen: ReadonlySet<string>, counted: Counted): void {
    this.chosen = [...chosen];
    this.counted = counted;
    if (!this.running) this.offer();
  }

  stop(): void {
    if (this.running) this.office.stop();
  }

  private offer(): void {
    const { texts, counted } = this;
    const { bytes } = this.what.version;
    const size = counted.bytes !== null ? sizeText(counted.bytes, texts) : bytes === null ? "" : this.chosen.includes("") ? sizeText(bytes, texts) : texts.restore.atMost(sizeText(bytes, texts));
    this.told.textContent = texts.restore.chosen(counted.files, size);
    const into = folderChooser();
    const button = (text: string, start: () => Promise<void>, quiet = false): HTMLElement =>
      h("button", { type: "button", class: quiet ? "quiet" : "", disabled: counted.files === 0, click: () => void start() }, text);
    this.buttons.replaceChildren(
      ...(into ? [button(texts.restore.intoFolder, () => this.intoFolder(into))] : []),
      ...(counted.single ? [button(texts.restore.single, () => this.into({ kind: "single", ready: (file) => this.ready(file, true, fileName(counted.single!.path)) }), true)] : []),
      button(texts.restore.zip, () => this.intoZip(), Boolean(into)),
    );
  }

  private get title(): string {
    return `${this.what.dataset.replace(/[^\w.-]+/g, "-") || "data"}-${this.what.version.time.slice(0, 10)}`;
  }

  private async intoFolder(choose: NonNullable<ReturnType<typeof folderChooser>>): Promise<void> {
    const folder = await choose().catch((problem: DOMException) => (problem.name === "AbortError" ? null : Promise.reject(problem)));
    if (folder) await this.into({ kind: "folder", folder: await newFolder(folder, this.title) });
  }

  private async intoZip(): Promise<void> {
    let number = 0;
    await this.into({
      kind: "zip",
      limit: ZIP_LIMIT,
      ready: (file, last) => {
        number += 1;
        return this.ready(file, last, last && number === 1 ? `${this.title}.zip` : `${this.title}-${number}.zip`);
      },
    });
  }

  /** Offer a file; one that others follow must be taken first, so that not all of them are kept at once. */
  private ready(file: Blob, last: boolean, name: string): Promise<void> {
    const { texts } = this;
    const forget = saveBlob(file, name);
    return new Promise((resolve) => {
      const again = h("button", { type: "button", class: "small", click: () => void saveBlob(file, name) }, texts.restore.saveAgain(name, sizeText(file.size, texts)));
      const line = h("p", { class: "fine" }, texts.restore.saved(name), " ", again);
      if (last) resolve();
      else {
        const on = (): void => {
          line.remove();
          forget();
          resolve();
        };
        line.append(" ", h("button", { type: "button", class: "small", click: on }, texts.restore.goOn));
      }
      this.outcome.append(line);
    });
  }

  private async into(to: Destination): Promise<void> {
    const { texts } = this;
    const meter = h("progress", { max: "1", value: "0", "aria-label": texts.restore.running });
    const words = h("p", { role: "status" }, texts.restore.running);
    const stop = h("button", { type: "button", class: "quiet", click: () => this.stop() }, texts.restore.stop);
    this.outcome.replaceChildren(meter, words, h("p", {}, stop));
    this.buttons.replaceChildren();
    this.running = true;
    addEventListener("beforeunload", stay);
    try {
      const report = await this.office.restore(this.id, this.what.version.id, this.chosen, to, (progress) => this.tell(progress, meter, words));
      meter.remove();
      stop.remove();
      words.remove();
      this.outcome.append(...reportView(report, to.kind === "folder" ? to.folder.name : "", texts));
    } catch (problem) {
      const { message } = problem as Error;
      this.outcome.replaceChildren(h("p", { class: "warning", role: "alert" }, message === "stopped" ? texts.restore.stopped : texts.restore.failed(message)));
    } finally {
      this.running = false;
      removeEventListener("beforeunload", stay);
      this.offer();
    }
  }

  private tell({ done, total, files, path }: Progress, meter: HTMLProgressElement, words: HTMLElement): void {
    meter.value = total ? Math.min(1, done / total) : 0;
    words.textContent = `${this.texts.restore.soFar(files, sizeText(done, this.texts), sizeText(total, this.texts))} ${legible(path)}`;
  }
}

function stay(event: Event): void {
  event.preventDefault();
}

function fileName(path: string): string {
  return shown(path.slice(path.lastIndexOf("/") + 1));
}

function reportView({ files, bytes, damaged, problems, renamed }: Restored, folder: string, texts: Texts): HTMLElement[] {
  const whole = !problems.some(({ reason }) => reason === "lost" || reason === "refused");
  const lines = [
    ...problems.map(({ path, reason }) => `${legible(path)}: ${texts.restore.reasons[reason]}`),
    ...[...renamed].map(([path, name]) => `${legible(path)}: ${texts.restore.renamed(plainly(name))}`),
  ];
  return [
    h("p", { class: whole ? "fine" : "warning", role: "status" }, texts.restore.done(files, sizeText(bytes, texts), folder), " ", whole ? "" : texts.restore.notWhole),
    ...(damaged.length ? [h("p", { class: "warning" }, texts.restore.damagedObjects(damaged))] : []),
    ...(lines.length ? [problemList(problems, lines, texts)] : []),
  ];
}

function problemList(problems: Restored["problems"], lines: readonly string[], texts: Texts): HTMLElement {
  const lost = problems.filter(({ reason }) => LOST.includes(reason)).length;
  const save = (): unknown => saveBlob(new Blob([lines.join("\n"), "\n"], { type: "text/plain" }), "not-restored.txt");
  return h(
    "details",
    { open: lost > 0 },
    h("summary", {}, texts.restore.problems(lines.length)),
    h("ul", {}, ...lines.slice(0, MOST_TOLD).map((line) => h("li", {}, line))),
    h("p", {}, h("button", { type: "button", class: "small", click: save }, texts.restore.saveList)),
  );
}

const LOST: readonly Reason[] = ["lost", "refused"];
