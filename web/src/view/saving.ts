/** Letting the browser save a file. */

import { h } from "./element.ts";

const PATIENCE = 600_000; // milliseconds until the browser may forget it: it may ask first where to

/** Give it to the browser; gives what makes it forget it again. */
export function saveBlob(content: Blob, name: string): () => void {
  const address = URL.createObjectURL(content);
  const link = h("a", { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  const forget = (): void => URL.revokeObjectURL(address);
  setTimeout(forget, PATIENCE);
  return forget;
}
