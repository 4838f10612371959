/** A value that is not shown until somebody wants to see it; it gets into the page only then. */

import type { Texts } from "../texts/en.ts";
import { h } from "./element.ts";

const DOTS = "••••••••";

/** `what` names it for those who do not see the page. */
export function secret(value: string, what: string, texts: Texts): HTMLElement {
  const shown = h("span", { class: "value" }, DOTS);
  let visible = false;
  const toggle = h("button", { type: "button", class: "small", "aria-label": texts.showWhat(what), "aria-pressed": "false", click: () => set(!visible) }, texts.show);
  function set(now: boolean): void {
    visible = now;
    shown.textContent = visible ? value : DOTS;
    toggle.textContent = visible ? texts.hide : texts.show;
    toggle.setAttribute("aria-pressed", String(visible));
  }
  const whole = h("span", { class: "secret" }, shown, " ", toggle, " ", copyButton(value, what, texts));
  whole.addEventListener("reveal", () => set(true));
  whole.addEventListener("mask", () => set(false));
  return whole;
}

export function copyButton(value: string, what: string, texts: Texts): HTMLElement {
  const button = h("button", { type: "button", class: "small", "aria-label": texts.copyWhat(what), click: () => void copy() }, texts.copy);
  async function copy(): Promise<void> {
    await toClipboard(value);
    button.textContent = texts.copied;
    setTimeout(() => (button.textContent = texts.copy), 2000);
  }
  return button;
}

async function toClipboard(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const field = h("textarea", { class: "unseen", "aria-hidden": "true" });
    field.value = text;
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
}
