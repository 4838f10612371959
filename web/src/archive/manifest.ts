/** The signed manifest of one run of an archive (docs/formats.md, "Archives"). A port of `protocols/archive/chain.py`. */

import { sha256 } from "@noble/hashes/sha2.js";
import { type Bytes, hex, looseText, strictText } from "../bytes.ts";
import { isObject, type Json, type JsonObject, parseJson } from "../json.ts";
import { isSignedBy } from "./ed25519.ts";

const FIRST = "paradux-archive/1"; // every manifest lists all runs
const FORMAT = "paradux-archive/2";
const NAME = /^(\d{6,}-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ)\.(manifest|runs|names\.gpg|\d{5,}\.gpg)$/;
const PEM_PREFIX = "302a300506032b6570032100"; // RFC 8410: an Ed25519 public key

/** One encrypted object. */
export interface Part {
  readonly name: string;
  readonly size: number;
  readonly sha256: string;
}

export interface Run {
  readonly id: string;
  readonly time: string;
  readonly parent: string | null;
  readonly files: number;
  readonly bytes: number;
  readonly stored: number;
  readonly sha256: string;
  readonly listed: boolean;
  readonly missing: number;
}

/** `sha256` of its run is that of its own first line. `isWhole`: `runs` are all that stay, not only the ones before this one. */
export interface Manifest {
  readonly run: Run;
  readonly key: string;
  readonly names: Part;
  readonly volumes: readonly Part[];
  readonly runs: readonly Run[];
  readonly isList: boolean;
  readonly isWhole: boolean;
}

/** The run to which an object of this name belongs; null for what is not ours. */
export function runOf(name: string): string | null {
  return NAME.exec(name)?.[1] ?? null;
}

export function manifestName(run: string): string {
  return `${run}.manifest`;
}

export function listName(run: string): string {
  return `${run}.runs`;
}

export function serialOf(run: string): number {
  return Number(run.slice(0, run.indexOf("-")));
}

/** The manifest or list in this object; null when it is not signed with this key (PEM), or is not understood. */
export function readManifest(object: Bytes, verifyKey: string): Manifest | null {
  const end = object.indexOf(10) + 1;
  const line = object.subarray(0, end);
  if (!end || !isSigned(line, looseText(object.subarray(end, end + 65536)).trim(), verifyKey)) return null;
  try {
    return manifestOf(parseJson(strictText(line)), hex(sha256(line)));
  } catch {
    return null;
  }
}

function isSigned(line: Bytes, signature: string, pem: string): boolean {
  try {
    return isSignedBy(line, ofBase64(signature), publicKey(pem));
  } catch {
    return false;
  }
}

function publicKey(pem: string): Bytes {
  const found = /^-----BEGIN PUBLIC KEY-----([\sA-Za-z0-9+/=]+)-----END PUBLIC KEY-----\s*$/.exec(pem);
  const key = ofBase64(found![1]!.replace(/\s/g, ""));
  if (hex(key.subarray(0, 12)) !== PEM_PREFIX || key.length !== 44) throw new TypeError();
  return key.subarray(12);
}

function ofBase64(text: string): Bytes {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

function manifestOf(value: Json, lineHash: string): Manifest {
  const { format, run, key, names, volumes, runs = [], manifest_size: size = 0 } = record(value);
  if ((format !== FORMAT && format !== FIRST) || !Array.isArray(volumes) || !Array.isArray(runs)) throw new TypeError();
  const own = { ...runFrom(run), sha256: lineHash };
  const parts = [names!, ...volumes].map(partFrom);
  if (parts.some(({ name }) => runOf(name) !== own.id)) throw new TypeError();
  return { run: own, key: text(key), names: parts[0]!, volumes: parts.slice(1), runs: runs.map(runFrom), isList: count(size) > 0, isWhole: format === FIRST || !!size };
}

function runFrom(value: Json | undefined): Run {
  const { id, time, parent, files, bytes, stored, sha256 = "", listed = true, missing = 0 } = record(value);
  if (!runOf(manifestName(text(id))) || typeof listed !== "boolean" || Number.isNaN(Date.parse(text(time)))) throw new TypeError();
  return {
    id: text(id),
    time: text(time),
    parent: parent === null ? null : text(parent),
    files: count(files),
    bytes: count(bytes),
    stored: count(stored),
    sha256: text(sha256),
    listed,
    missing: count(missing),
  };
}

function partFrom(value: Json): Part {
  const { name, size, sha256 } = record(value);
  if (!/^[0-9a-f]{64}$/.test(text(sha256))) throw new TypeError();
  return { name: text(name), size: count(size), sha256: text(sha256) };
}

function record(value: Json | undefined): JsonObject {
  if (!isObject(value)) throw new TypeError();
  return value;
}

function text(value: Json | undefined): string {
  if (typeof value !== "string") throw new TypeError();
  return value;
}

function count(value: Json | undefined): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) throw new TypeError();
  return value;
}

/** From the full run to `last`; empty when one of them is missing. */
export function chainOf(runs: readonly Run[], last: string): Run[] {
  const known = new Map(runs.map((run) => [run.id, run]));
  const found: Run[] = [];
  for (let wanted: string | null = last; wanted !== null; ) {
    const run = known.get(wanted);
    if (!run || found.length > known.size) return [];
    found.unshift(run);
    wanted = run.parent;
  }
  return found;
}
