/** How restic encrypts: AES-256 in counter mode, and Poly1305-AES over what came out (restic, "Design": Keys, Encryption and MAC). */

import { poly1305 } from "@noble/ciphers/_poly1305.js";
import type { Bytes } from "../bytes.ts";
import { isObject, type Json, parseJson } from "../json.ts";

const IV = 16;
const MAC = 16;
export const OVERHEAD = IV + MAC;
const BLOCK = new Uint8Array(16);

/** A key that opens and checks; what is not sealed with it gives null. */
export class Seal {
  private constructor(
    private readonly opening: CryptoKey,
    private readonly checking: CryptoKey,
    private readonly r: Uint8Array,
  ) {}

  /** 32 bytes that encrypt, 16 (`k`) and 16 (`r`) that check. */
  static async from(encrypt: Bytes, k: Bytes, r: Bytes): Promise<Seal> {
    if (encrypt.length !== 32 || k.length !== 16 || r.length !== 16) throw new RangeError();
    const read = (key: Bytes): Promise<CryptoKey> => crypto.subtle.importKey("raw", key, "AES-CTR", false, ["encrypt"]);
    return new Seal(await read(encrypt), await read(k), r);
  }

  /** The key in the text of a key file, or in a copy of it; null when it is none. */
  static async fromJson(text: string): Promise<Seal | null> {
    try {
      const key = parseJson(text);
      if (!isObject(key) || !isObject(key.mac)) return null;
      return await Seal.from(ofBase64(key.encrypt), ofBase64(key.mac.k), ofBase64(key.mac.r));
    } catch {
      return null;
    }
  }

  async open(sealed: Bytes): Promise<Bytes | null> {
    if (sealed.length < OVERHEAD) return null;
    const [iv, text, mac] = [sealed.slice(0, IV), sealed.subarray(IV, sealed.length - MAC), sealed.subarray(sealed.length - MAC)];
    const key = new Uint8Array(32);
    key.set(this.r);
    key.set(await counted(this.checking, iv, BLOCK), 16);
    if (!same(poly1305(text, key), mac)) return null;
    return counted(this.opening, iv, text);
  }
}

async function counted(key: CryptoKey, counter: Bytes, data: Uint8Array): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.encrypt({ name: "AES-CTR", counter, length: 128 }, key, data as Bytes));
}

function same(one: Uint8Array, other: Uint8Array): boolean {
  let difference = one.length ^ other.length;
  for (let place = 0; place < one.length; place++) difference |= one[place]! ^ other[place]!;
  return difference === 0;
}

export function ofBase64(text: Json | undefined): Bytes {
  if (typeof text !== "string") throw new TypeError();
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}
