/** What the opened file has to open a place with. */

import { looseText } from "../bytes.ts";
import { isObject, type Json, type JsonObject } from "../json.ts";
import type { Opening } from "../worker/worker.ts";
import type { Place } from "./places.ts";

/** `name`: which destination it is for ("photos/drawer"). */
export interface NamedOpening {
  readonly name: string;
  readonly opening: Opening;
}

const LONGEST_HEAD = 65536;

/** What may open this place, the likely first. */
export async function openingsFor(place: Place, config: JsonObject): Promise<NamedOpening[]> {
  if (place.kind !== "archive") return [];
  const named = new Set<string>();
  for (const [name, file] of place.files) if (name.endsWith(".manifest")) named.add(await keyIn(file));
  return archiveKeys(config).filter(({ opening }) => named.has(opening.fingerprint));
}

/** The fingerprint that a manifest names; nothing is believed of it. */
async function keyIn(file: File): Promise<string> {
  try {
    const head = looseText(new Uint8Array(await file.slice(0, LONGEST_HEAD).arrayBuffer()));
    return /"key":\s*"([^"]*)"/.exec(head)?.[1] ?? "";
  } catch {
    return "";
  }
}

function archiveKeys(config: JsonObject): NamedOpening[] {
  return dataKeys(config).flatMap(({ name, key }) => {
    if (!isObject(key.archive)) return [];
    const { fingerprint, verify_key, private_key, passphrase } = key.archive;
    const opening = { kind: "archive" as const, fingerprint: text(fingerprint), verifyKey: text(verify_key), privateKey: text(private_key), passphrase: text(passphrase) };
    return [{ name, opening }];
  });
}

export function dataKeys(config: JsonObject): { name: string; key: JsonObject }[] {
  const keys = isObject(config.managed) && isObject(config.managed.data_keys) ? config.managed.data_keys : {};
  return Object.entries(keys).flatMap(([uid, key]) => (isObject(key) ? [{ name: text(key.name) || uid, key }] : []));
}

function text(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}
