/** Every config that the shares open: signed by the key that the secret opens, and of a format that is known. */

import { type Bytes, fromHex, hex, looseText, strictText, utf8 } from "../bytes.ts";
import type { Collection } from "../collection/collection.ts";
import { isObject, type JsonObject, parseJson } from "../json.ts";
import { MessageError, openMessage, unlock } from "./openpgp.ts";

const FORMAT = "paradux.config/1";

export interface Header {
  readonly owner: string;
  readonly instance: string;
  readonly epoch: number;
  readonly serial: number;
  readonly date: string;
}

/** A config that was opened, with its proven signature; `text` is the whole JSON. */
export interface Opened {
  readonly label: string;
  readonly fingerprint: string;
  readonly text: Bytes;
  readonly header: Header;
  readonly config: JsonObject;
}

/** All that was opened, newest first; the labels of configs that were not, and why; whether any secret came out at all. */
export interface Outcome {
  readonly opened: readonly Opened[];
  readonly refused: readonly { label: string; problem: string }[];
  readonly secret: Bytes | null;
}

/** Pairs of a secret and a key that are tried; an honest recovery has a few. */
const MOST_PAIRS = 256;

/**
 * What the shares of a collection open. Every secret is tried with every key on every config, and what an opened config holds of other epochs
 * is used as well: a kit of a rotation that was cancelled opens a config in which the secret of the epoch in force stands.
 */
export async function open(collection: Collection): Promise<Outcome> {
  const found: Opened[] = [];
  const problems = new Map<number, { label: string; problem: string }>();
  const secrets = new Map([...collection.candidates()].map(({ secret }) => [hex(secret), secret]));
  const keys = new Map(collection.keys.map((key) => [looseText(key), key]));
  const first = [...secrets.values()][0] ?? null;
  const closed = new Map(collection.configs.map((config, place) => [place, config]));
  const tried = new Set<string>();
  for (let next = untried(secrets, keys, tried); next && closed.size; next = untried(secrets, keys, tried)) {
    const key = await unlock(next.key, next.secret);
    for (const [place, { label, message }] of key ? closed : []) {
      try {
        const opened = read(label, key!.fingerprint, await openMessage(message, key!));
        found.push(opened);
        closed.delete(place);
        learn(opened.config, secrets, keys);
      } catch (problem) {
        problems.set(place, { label, problem: problem instanceof MessageError ? problem.problem : "unknown-format" });
      }
    }
  }
  const refused = [...problems].filter(([place]) => closed.has(place)).map(([, problem]) => problem);
  return { opened: newestFirst(distinct(found)), refused, secret: first };
}

/** A secret and a key that were not yet tried together. */
function untried(secrets: ReadonlyMap<string, Bytes>, keys: ReadonlyMap<string, Bytes>, tried: Set<string>): { secret: Bytes; key: Bytes } | null {
  for (const [text, secret] of secrets) {
    for (const [armor, key] of keys) {
      const pair = `${text} ${armor}`;
      if (tried.has(pair) || tried.size >= MOST_PAIRS) continue;
      tried.add(pair);
      return { secret, key };
    }
  }
  return null;
}

/** The secrets and keys of other epochs that a config holds. */
function learn({ managed }: JsonObject, secrets: Map<string, Bytes>, keys: Map<string, Bytes>): void {
  const parts = isObject(managed) ? [managed, ...(isObject(managed.rotation) ? [managed.rotation] : [])] : [];
  for (const { recovery } of parts) {
    if (!isObject(recovery) || typeof recovery.secret !== "string" || typeof recovery.private_key !== "string") continue;
    if (/^[0-9a-f]{64}$/.test(recovery.secret)) secrets.set(recovery.secret, fromHex(recovery.secret));
    keys.set(recovery.private_key, utf8(recovery.private_key));
  }
}

/** The config in this text, which must say the same as its header; throws when it is of a format that is not known. */
export function read(label: string, fingerprint: string, text: Bytes): Opened {
  const document = parseJson(strictText(text));
  if (!isObject(document) || !isObject(document.header) || !isObject(document.config)) throw new TypeError();
  const { header, config } = document;
  const { owner, instance, epoch, serial, date } = header;
  const managed = isObject(config.managed) ? config.managed : {};
  if (header.format !== FORMAT || !Number.isSafeInteger(epoch) || !Number.isSafeInteger(serial)) throw new TypeError();
  if (managed.owner_id !== owner || config.serial !== serial) throw new TypeError();
  return {
    label,
    fingerprint,
    text,
    header: { owner: String(owner), instance: String(instance), epoch: epoch as number, serial: serial as number, date: String(date) },
    config,
  };
}

/** How many machines the owner had had when it was saved. */
export function generationOf({ config }: Pick<Opened, "config">): number {
  const found = isObject(config.managed) ? config.managed.generation : undefined;
  return typeof found === "number" && Number.isSafeInteger(found) ? found : 1;
}

/** A machine that has taken over counts more than what the one before it still saved; then the serial; the clock counts last. */
export function newestFirst<T extends Pick<Opened, "config" | "header">>(opened: readonly T[]): T[] {
  return [...opened].sort(
    (one, other) =>
      generationOf(other) - generationOf(one) ||
      other.header.serial - one.header.serial ||
      (one.header.date < other.header.date ? 1 : one.header.date > other.header.date ? -1 : 0),
  );
}

/** Each text once, with the labels of all that hold it. */
function distinct(opened: readonly Opened[]): Opened[] {
  const found: Opened[] = [];
  for (const each of opened) {
    const same = found.findIndex((other) => other.text.length === each.text.length && other.text.every((byte, place) => byte === each.text[place]));
    if (same < 0) found.push(each);
    else if (!found[same]!.label.split(", ").includes(each.label)) found[same] = { ...found[same]!, label: `${found[same]!.label}, ${each.label}` };
  }
  return found;
}

/** What a kit tells of that is newer than the newest that was opened: its epoch and serial; null when nothing is. */
export function newerThan(opened: readonly Opened[], collection: Collection): { epoch: number; serial: number } | null {
  const newest = opened[0];
  if (!newest) return null;
  const managed = isObject(newest.config.managed) ? newest.config.managed : {};
  const highest = Math.max(typeof managed.highest_epoch === "number" ? managed.highest_epoch : 0, newest.header.epoch);
  const known = new Set(opened.map(({ header }) => `${header.epoch} ${header.serial}`));
  const told = collection.manifests.filter((kit) => kit.ownerId === newest.header.owner && !known.has(`${kit.epoch} ${kit.serial}`));
  return told.find((kit) => kit.serial > newest.header.serial || kit.epoch > highest) ?? null;
}
