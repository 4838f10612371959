/** Names as restic writes them: as in the source of a Go program, so that every byte has a spelling. */

import { utf8 } from "../bytes.ts";
import { binaryOf } from "../paths.ts";

const ESCAPE = /\\(?:([abfnrtv\\'"])|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3}))|\\|[^\\]+/g;
const LETTERS: Record<string, string> = { a: "\x07", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v", "\\": "\\", "'": "'", '"': '"' };

/** The bytes of a name, as binary text; null when it is not written like that. */
export function unquoted(name: string): string | null {
  let bad = false;
  const text = name.replace(ESCAPE, (whole, letter?: string, byte?: string, short?: string, long?: string, octal?: string) => {
    if (letter) return LETTERS[letter]!;
    if (byte) return String.fromCharCode(parseInt(byte, 16));
    if (octal) return String.fromCharCode(parseInt(octal, 8) & 255);
    const code = parseInt(short ?? long ?? "", 16);
    if (short ?? long) return code <= 0x10ffff ? binaryOf(utf8(String.fromCodePoint(code))) : ((bad = true), "");
    if (whole === "\\") bad = true;
    return binaryOf(utf8(whole));
  });
  return bad ? null : text;
}

/** Whether this is the name of one thing in a folder, and leads nowhere else. */
export function isPlain(name: string | null): name is string {
  return name !== null && name !== "" && name !== "." && name !== ".." && !/[/\0]/.test(name);
}
