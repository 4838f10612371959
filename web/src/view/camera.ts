/** The square code of a sheet, held before the camera. */

import { wordsInView } from "../files/picture.ts";
import type { Texts } from "../texts/en.ts";
import { h } from "./element.ts";

const OFTEN = 300; // milliseconds between two looks

/** A button and what it opens; nothing where there is no camera to ask for. */
export function camera(texts: Texts, words: (text: string) => Promise<void>): HTMLElement[] {
  if (!navigator.mediaDevices?.getUserMedia) return [];
  const place = h("div", { class: "camera" });
  const button = h("button", { type: "button", class: "quiet", click: () => void look(place, texts, words) }, texts.camera.use);
  return [h("p", {}, button), place];
}

async function look(place: HTMLElement, texts: Texts, words: (text: string) => Promise<void>): Promise<void> {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 1280 } } }).catch(() => null);
  if (!stream) return place.replaceChildren(h("p", { class: "note", role: "alert" }, texts.camera.none));
  const video = h("video", { muted: true, playsinline: true, "aria-label": texts.camera.view });
  video.srcObject = stream;
  let timer = 0;
  const stop = (): void => {
    clearInterval(timer);
    for (const track of stream.getTracks()) track.stop();
    place.replaceChildren();
  };
  place.replaceChildren(h("p", { role: "status" }, texts.camera.hold), video, h("p", {}, h("button", { type: "button", class: "quiet", click: stop }, texts.camera.stop)));
  await video.play().catch(() => undefined);
  timer = window.setInterval(() => {
    const text = place.isConnected ? wordsInView(video) : "";
    if (text || !place.isConnected) stop();
    if (text) void words(text);
  }, OFTEN);
}
