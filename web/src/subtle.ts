/** OpenPGP.js does not even load where there is no WebCrypto (a page that is no secure context). With this it uses its own code. */

import { sha1 } from "@noble/hashes/legacy.js";
import { sha256, sha384, sha512 } from "@noble/hashes/sha2.js";

const HASHES = new Map([["SHA-1", sha1], ["SHA-256", sha256], ["SHA-384", sha384], ["SHA-512", sha512]] as const);
const REFUSED = ["importKey", "exportKey", "encrypt", "decrypt", "sign", "verify", "deriveBits", "deriveKey", "generateKey"];

async function digest(name: "SHA-256" | { name: "SHA-256" }, data: Uint8Array): Promise<ArrayBuffer> {
  const hash = HASHES.get(typeof name === "string" ? name : name.name)!;
  return hash(new Uint8Array(data)).slice().buffer as ArrayBuffer;
}

function refuse(): Promise<never> {
  return Promise.reject(new Error("there is no WebCrypto here"));
}

if (globalThis.crypto && !globalThis.crypto.subtle) {
  const subtle = { digest, ...Object.fromEntries(REFUSED.map((name) => [name, refuse])) };
  Object.defineProperty(globalThis.crypto, "subtle", { value: subtle });
}
