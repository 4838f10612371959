/** Which key opens a repository: a copy that the config has, or one of its key files with a password (restic, "Design": Keys). */

import { scrypt } from "@noble/hashes/scrypt.js";
import { type Bytes, looseText, utf8 } from "../bytes.ts";
import { isObject, parseJson } from "../json.ts";
import type { Objects } from "./objects.ts";
import { ofBase64, Seal } from "./seal.ts";

/** What the config has for one destination; what it does not have is empty. */
export interface Candidate {
  readonly name: string;
  readonly password: string;
  readonly masterKey: string;
  readonly keyFile: string;
}

export interface Found {
  readonly name: string;
  readonly seal: Seal;
}

/** N·r·p of one key: restic takes 32768·8·1, and no machine ten times as much within its half second. */
const MOST_WORK = 1 << 24;
const MOST_MEMORY = 1 << 30;
const MOST_KEY_FILES = 20;

/** The first that opens it: copies of keys at once, then passwords, which take a second each. */
export async function keyOf(objects: Objects, candidates: readonly Candidate[]): Promise<Found | null> {
  const sample = await objects.sample();
  const files = (await Promise.all(objects.named("keys").slice(0, MOST_KEY_FILES).map((name) => objects.whole(name)))).filter((file) => file !== null);
  for (const { name, masterKey } of candidates) {
    const seal = masterKey ? await Seal.fromJson(masterKey) : null;
    if (seal && (await fits(seal, sample))) return { name, seal };
  }
  for (const { name, password, keyFile } of candidates) {
    for (const file of password ? [...files, ...(keyFile ? [utf8(keyFile)] : [])] : []) {
      const seal = await unlocked(file, password);
      if (seal && (await fits(seal, sample))) return { name, seal };
    }
  }
  return null;
}

async function fits(seal: Seal, sample: Bytes | null): Promise<boolean> {
  return sample === null || (await seal.open(sample)) !== null;
}

async function unlocked(file: Bytes, password: string): Promise<Seal | null> {
  try {
    const key = parseJson(looseText(file));
    if (!isObject(key) || key.kdf !== "scrypt") return null;
    const [N, r, p] = [key.N, key.r, key.p].map(whole) as [number, number, number];
    if (N * r * p > MOST_WORK || 128 * N * r > MOST_MEMORY) return null;
    const made = scrypt(utf8(password), ofBase64(key.salt), { N, r, p, dkLen: 64, maxmem: MOST_MEMORY + (1 << 20) }) as Bytes;
    const user = await Seal.from(made.slice(0, 32), made.slice(32, 48), made.slice(48));
    const opened = await user.open(ofBase64(key.data));
    return opened && Seal.fromJson(looseText(opened));
  } catch {
    return null;
  }
}

function whole(value: unknown): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 1) throw new RangeError();
  return value;
}
