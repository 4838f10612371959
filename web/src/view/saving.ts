/** Letting the browser save a file. */

import { h } from "./element.ts";

const PATIENCE = 600_000; // milliseconds until the browser may forget it: it may ask first where to

export function saveBlob(content: Blob, name: string): void {
  const address = URL.createObjectURL(content);
  const link = h("a", { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), PATIENCE);
}
