/** kit.json: what a kit says of itself and of the set that its share belongs to. Untrusted until its signature is checked. */

import { strictText } from "../bytes.ts";
import { isObject, type Json, type JsonObject, parseJson } from "../json.ts";

const FORMAT = "paradux.kit/1";
const SET_FORMAT = "paradux.set/1";
const LONGEST = 256 * 1024;
const LONGEST_NAME = 200;
const MOST = 10 ** 12 - 1;

export interface Member {
  readonly member: number;
  readonly sha256: string;
  /** Empty: nobody, or not told. */
  readonly steward: string;
  readonly stewardId: string;
}

export interface SetInfo {
  readonly epoch: number;
  readonly created: string;
  readonly threshold: number;
  readonly issued: number;
  readonly identifier: number;
  readonly shares: readonly Member[];
}

export interface FileInfo {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** Somebody to call; what is not known is empty. */
export interface Contact {
  readonly id: string;
  readonly name: string;
  readonly phone: string;
  readonly email: string;
}

export interface KitInfo {
  readonly ownerId: string;
  readonly ownerName: string;
  readonly instance: string;
  readonly epoch: number;
  readonly serial: number;
  readonly written: string;
  readonly stewardId: string;
  readonly stewardName: string;
  readonly language: string;
  readonly shareSha256: string;
  readonly fingerprint: string;
  readonly set: SetInfo;
  readonly contacts: readonly Contact[];
  readonly files: readonly FileInfo[];
}

/** The kit of a `kit.json`, or null: it is none. */
export function readManifest(bytes: Uint8Array): KitInfo | null {
  try {
    return bytes.length > LONGEST ? null : consistent(kitOf(object(parseJson(strictText(bytes)))));
  } catch {
    return null;
  }
}

function kitOf(kit: JsonObject): KitInfo {
  exactly(kit.format, FORMAT);
  const [owner, steward, share] = [object(kit.owner), object(kit.steward), object(kit.share)];
  return {
    ownerId: hexOf(owner.id, 32),
    ownerName: nameOf(owner.name),
    instance: hexOf(kit.instance, 32),
    epoch: whole(kit.epoch),
    serial: whole(kit.serial),
    written: nameOf(kit.written),
    stewardId: nameOf(steward.id),
    stewardName: nameOf(steward.name),
    language: nameOf(steward.language),
    shareSha256: hexOf(share.sha256, 64),
    fingerprint: nameOf(kit.fingerprint),
    set: setOf(object(kit.set)),
    contacts: contactsOf(kit.stewards),
    files: Object.entries(object(kit.files)).map(([name, entry]) => fileOf(name, object(entry))),
  };
}

function consistent(kit: KitInfo): KitInfo {
  const { shares, epoch } = kit.set;
  const distinct = new Set(shares.map((share) => share.member)).size === shares.length;
  if (epoch !== kit.epoch || !distinct || !shares.some((share) => share.sha256 === kit.shareSha256)) throw new TypeError();
  return kit;
}

function setOf(set: JsonObject): SetInfo {
  exactly(set.format, SET_FORMAT);
  if (!Array.isArray(set.shares) || set.shares.length > 16) throw new TypeError();
  return {
    epoch: whole(set.epoch),
    created: nameOf(set.created),
    threshold: whole(set.threshold, 2, 16),
    issued: whole(set.issued, 1, 16),
    identifier: whole(set.identifier, 0, 32767),
    shares: set.shares.map((share) => memberOf(object(share))),
  };
}

function memberOf(share: JsonObject): Member {
  const steward = share.steward === null ? null : object(share.steward);
  return {
    member: whole(share.member, 0, 15),
    sha256: hexOf(share.sha256, 64),
    steward: steward ? nameOf(steward.name) : "",
    stewardId: steward && typeof steward.id === "string" ? nameOf(steward.id) : "",
  };
}

function fileOf(name: string, entry: JsonObject): FileInfo {
  return { name: nameOf(name), bytes: whole(entry.bytes, 0), sha256: hexOf(entry.sha256, 64) };
}

/** The stewards with their addresses. Nobody refuses a kit for them. */
function contactsOf(stewards: Json | undefined): Contact[] {
  const listed = Array.isArray(stewards) ? stewards.slice(0, 64).filter(isObject) : [];
  const text = (value: Json | undefined): string => (typeof value === "string" ? nameOf(value) : "");
  return listed.map((each) => ({ id: text(each.id), name: text(each.name), phone: text(each.phone), email: text(each.email) }));
}

function object(value: Json | undefined): JsonObject {
  if (!isObject(value)) throw new TypeError();
  return value;
}

function exactly(value: Json | undefined, wanted: string): void {
  if (value !== wanted) throw new TypeError();
}

/** A text that goes on one line, whatever is in it. */
export function nameOf(value: Json | undefined): string {
  if (typeof value !== "string") throw new TypeError();
  const letters = Array.from(value).slice(0, LONGEST_NAME);
  return letters.map((letter) => (letter !== " " && /[\p{C}\p{Z}]/u.test(letter) ? " " : letter)).join("");
}

function hexOf(value: Json | undefined, length: number): string {
  if (typeof value !== "string" || value.length !== length || !/^[0-9a-f]+$/.test(value)) throw new TypeError();
  return value;
}

function whole(value: Json | undefined, least = 1, most = MOST): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < least || value > most) throw new TypeError();
  return value;
}
