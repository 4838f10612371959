/**
 * Paths inside what is restored. They are bytes, of no known encoding, so inside the page each byte is one character ("binary" text); only what
 * people see is decoded.
 */

import type { Bytes } from "./bytes.ts";

const CHUNK = 8192;

/** These bytes, one character each. */
export function binaryOf(bytes: Uint8Array): string {
  let text = "";
  for (let place = 0; place < bytes.length; place += CHUNK) text += String.fromCharCode(...bytes.subarray(place, place + CHUNK));
  return text;
}

export function bytesOf(binary: string): Bytes {
  const bytes = new Uint8Array(binary.length);
  for (let place = 0; place < binary.length; place++) bytes[place] = binary.charCodeAt(place);
  return bytes;
}

/** The name as UTF-8; null when it is none. */
export function utf8Of(binary: string): string | null {
  if (/^[\x00-\x7f]*$/.test(binary)) return binary;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytesOf(binary));
  } catch {
    return null;
  }
}

/** What people see of a path: bytes that are no UTF-8 as `%` and two digits, so that two names stay two. */
export function shown(binary: string): string {
  return utf8Of(binary) ?? binary.replace(/[\x80-\xff]/g, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** The same for the page: nothing in it turns the line around, or cannot be seen. */
export function legible(binary: string): string {
  return plainly(shown(binary));
}

/** Letters that are not seen are written as their numbers, but for those that join others. */
export function plainly(text: string): string {
  return text.replace(/(?![\u200c\u200d])[\p{Cc}\p{Cf}\u2028\u2029]/gu, (letter) => `‹${letter.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}›`);
}

/** A path below the root, without `./` and slashes at the end ("" is the root); null for one that leads elsewhere. */
export function inside(binary: string): string | null {
  if (binary.includes("\0") || binary.startsWith("/")) return null;
  const steps = binary.split("/").filter((step) => step !== "" && step !== ".");
  return steps.includes("..") ? null : steps.join("/");
}

/** Whether a symbolic link at this path stays below the root. */
export function staysInside(path: string, target: string): boolean {
  if (target.startsWith("/") || target.includes("\0") || target === "") return false;
  let depth = path.split("/").length - 1;
  for (const step of target.split("/")) {
    if (step === "" || step === ".") continue;
    depth += step === ".." ? -1 : 1;
    if (depth < 0) return false;
  }
  return true;
}

/** The folder in which it lies; "" for what lies in the root. */
export function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

/** Whether one of these is the path itself or a folder above it; the empty path is above all. */
export function isBelow(path: string, chosen: ReadonlySet<string>): boolean {
  if (chosen.has("")) return true;
  for (let each = path; each !== ""; each = parentOf(each)) if (chosen.has(each)) return true;
  return false;
}
