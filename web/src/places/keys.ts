/** What the opened file has to open a place with. */

import { looseText } from "../bytes.ts";
import { isObject, type Json, type JsonObject } from "../json.ts";
import type { Candidate } from "../repository/keys.ts";
import type { ArchiveOpening, Opening } from "../worker/worker.ts";
import type { Place } from "./places.ts";

const LONGEST_HEAD = 65536;

/** What may open this place, one after the other. */
export async function openingsFor(place: Place, config: JsonObject): Promise<Opening[]> {
  if (place.kind === "repository") return [{ kind: "repository", candidates: candidates(config) }];
  const named = new Set<string>();
  for (const [name, file] of place.files) if (name.endsWith(".manifest")) named.add(await keyIn(file));
  return archiveKeys(config).filter(({ fingerprint }) => named.has(fingerprint));
}

/** Passwords that Paradux made up, those that the owner gave, and copies of keys. */
function candidates(config: JsonObject): Candidate[] {
  const made = dataKeys(config).map(({ name, key }) => {
    const { master_key, key_file } = isObject(key.repository) ? key.repository : {};
    return { name, password: text(key.password), masterKey: text(master_key), keyFile: text(key_file) };
  });
  const given = objects(config.datasets).flatMap((dataset) =>
    objects(dataset.destinations).map(({ id, credentials }) => {
      const password = isObject(credentials) ? text(credentials.password) : "";
      return { name: `${text(dataset.id)}/${text(id)}`, password, masterKey: "", keyFile: "" };
    }),
  );
  return [...made, ...given].filter(({ password, masterKey }) => password || masterKey);
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

function archiveKeys(config: JsonObject): ArchiveOpening[] {
  return dataKeys(config).flatMap(({ name, key }) => {
    if (!isObject(key.archive)) return [];
    const { fingerprint, verify_key, private_key, passphrase } = key.archive;
    return [{ kind: "archive", name, fingerprint: text(fingerprint), verifyKey: text(verify_key), privateKey: text(private_key), passphrase: text(passphrase) }];
  });
}

export function dataKeys(config: JsonObject): { name: string; key: JsonObject }[] {
  const keys = isObject(config.managed) && isObject(config.managed.data_keys) ? config.managed.data_keys : {};
  return Object.entries(keys).flatMap(([uid, key]) => (isObject(key) ? [{ name: text(key.name) || uid, key }] : []));
}

function objects(value: Json | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function text(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}
