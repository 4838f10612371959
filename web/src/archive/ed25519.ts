/** Signatures by Ed25519 (RFC 8032): TweetNaCl, which OpenPGP.js brings along. */

import nacl from "../../node_modules/openpgp/dist/lightweight/nacl-fast.min.mjs";
import type { Bytes } from "../bytes.ts";

/** The order of the base point: its multiples can be added to a signature that is good, and RFC 8032 refuses what is made like that. */
const ORDER = (1n << 252n) + 27742317777372353535851937790883648493n;

export function isSignedBy(text: Bytes, signature: Bytes, publicKey: Bytes): boolean {
  if (signature.length !== 64 || publicKey.length !== 32) return false;
  const scalar = signature.subarray(32).reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n);
  return scalar < ORDER && nacl.sign.detached.verify(text, signature, publicKey);
}
