/** The confirmation code: a steward reads twelve digits to the owner, which prove that a kit was readable. docs/reference/formats.md has the format. */

import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { type Bytes, hex, utf8 } from "../bytes.ts";
import type { KitInfo } from "../kits/manifest.ts";
import { type Share, textOf } from "../shares/share.ts";
import { checkDigit } from "./damm.ts";

const PURPOSE = "paradux.seen/1";
const DIGITS = 11;

/** `whole`: every hash and the signature are good; `share`: the share is, something else is not; `words`: typed from the sheet. */
export type Kind = "whole" | "share" | "words";

/** What a code says besides that these words were read; `kit` counts for a whole kit only. */
export interface Seen {
  readonly kind: Kind;
  readonly kit: { readonly info: KitInfo; readonly manifest: Bytes } | null;
  /** The day in UTC, YYYY-MM-DD. */
  readonly date: string;
  /** Six digits that the owner has asked for, or empty. */
  readonly challenge: string;
}

/** The twelve digits for a share. */
export function confirmationCode(share: Share, seen: Seen): string {
  const whole = seen.kind === "whole" ? seen.kit : null;
  const said = [
    PURPOSE,
    whole?.info.ownerId ?? "",
    whole?.info.epoch ?? "",
    share.member,
    seen.date,
    seen.kind,
    whole ? hex(sha256(whole.manifest)) : "",
    seen.challenge,
  ];
  // Never the words as the key: HMAC hashes a long key, and SHA-256 of the words stands in every kit.json.
  const key = hmac(sha256, utf8(PURPOSE), utf8(textOf(share)));
  const number = BigInt(`0x${hex(hmac(sha256, key, utf8(said.join("\n"))).slice(0, 8))}`) % 10n ** BigInt(DIGITS);
  const digits = number.toString().padStart(DIGITS, "0");
  return digits + checkDigit(digits);
}

/** The code as it is read out. */
export function spoken(code: string): string {
  return code.replace(/(...)(?=.)/g, "$1 ");
}
