/** Where kits, files and words come in. */

import { type Chosen, fromDrop, fromInput } from "../files/chosen.ts";
import type { Texts } from "../texts/en.ts";
import { camera } from "./camera.ts";
import { h } from "./element.ts";
import { typing } from "./typing.ts";

export interface Actions {
  files(chosen: readonly Chosen[]): Promise<void>;
  words(text: string, from: string): Promise<void>;
  again(): void;
}

export function bringSection(texts: Texts, actions: Actions): HTMLElement {
  const busy = h("p", { class: "busy", role: "status" });
  const take = async (chosen: Promise<readonly Chosen[]> | readonly Chosen[]): Promise<void> => {
    busy.textContent = texts.bring.reading;
    try {
      await actions.files(await chosen);
    } finally {
      busy.textContent = "";
    }
  };
  return h(
    "section",
    { class: "bring", "aria-labelledby": "bring-title" },
    h("h2", { id: "bring-title" }, texts.steps.bring),
    h("p", {}, texts.bring.how),
    dropField({ drop: texts.bring.drop, folder: texts.bring.folder, files: texts.bring.files, ids: ["folder", "files"] }, take),
    h("p", { class: "hint" }, texts.bring.filesHint, " ", texts.bring.upload),
    busy,
    ...camera(texts, (text) => actions.words(text, texts.camera.from)),
    typing(texts, (text) => actions.words(text, texts.typing.from)),
    h("p", {}, h("button", { type: "button", class: "quiet", click: actions.again }, texts.bring.remove)),
  );
}

type Take = (chosen: Promise<readonly Chosen[]> | readonly Chosen[]) => Promise<void>;

/** What a field says; `ids`: of the choosers of a folder and of files. */
export interface Field {
  readonly drop: string;
  readonly folder: string;
  readonly files: string;
  readonly ids: readonly [string, string];
}

export function dropField({ drop, folder, files, ids }: Field, take: Take): HTMLElement {
  const field = h(
    "div",
    {
      class: "drop",
      drop: (event) => {
        event.preventDefault();
        field.classList.remove("over");
        const { dataTransfer } = event as DragEvent;
        if (dataTransfer) void take(fromDrop(dataTransfer));
      },
      dragenter: () => field.classList.add("over"),
      dragleave: () => field.classList.remove("over"),
    },
    h("p", {}, drop),
    h("p", { class: "buttons" }, ...chooser(folder, ids[0], true, take), ...chooser(files, ids[1], false, take)),
  );
  return field;
}

/** A button, and the element behind it that opens the browser's window. */
function chooser(text: string, id: string, folder: boolean, take: Take): HTMLElement[] {
  const input = h("input", {
    type: "file",
    id,
    multiple: true,
    hidden: true,
    "aria-hidden": "true",
    tabindex: "-1",
    webkitdirectory: folder,
    change: () => {
      const chosen = fromInput(input.files!);
      void take(chosen).finally(() => (input.value = ""));
    },
  });
  return [h("button", { type: "button", click: () => input.click() }, text), input];
}
