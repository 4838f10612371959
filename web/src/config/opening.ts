/** Every config that the shares open: signed by the key that the secret opens, and of a format that is known. */

import { type Bytes, hex, strictText } from "../bytes.ts";
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

/** What the shares of a collection open. Every secret is tried with every key on every config. */
export async function open(collection: Collection): Promise<Outcome> {
  const opened: Opened[] = [];
  const refused = new Map<string, { label: string; problem: string }>();
  let first: Bytes | null = null;
  for (const { secret } of collection.candidates()) {
    first ??= secret;
    for (const armored of collection.keys) {
      const key = await unlock(armored, secret);
      if (!key) continue;
      for (const { label, message } of collection.configs) {
        try {
          opened.push(read(label, key.fingerprint, await openMessage(message, key)));
        } catch (problem) {
          refused.set(`${label} ${hex(message.slice(0, 64))}`, { label, problem: problem instanceof MessageError ? problem.problem : "unknown-format" });
        }
      }
    }
  }
  const labels = new Set(opened.map((each) => each.label));
  return { opened: newestFirst(distinct(opened)), refused: [...refused.values()].filter(({ label }) => !labels.has(label)), secret: first };
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
