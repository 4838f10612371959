/** From shares to the secret: SLIP-0039, sections "Combining the shares" and "Decryption of the master secret". */

import { hmac } from "@noble/hashes/hmac.js";
import { pbkdf2 } from "@noble/hashes/pbkdf2.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { type Bytes, hex, utf8 } from "../bytes.ts";
import { interpolate, type Point } from "./gf256.ts";
import type { Share } from "./share.ts";

/** The secret of exactly as many shares as are needed; null when they give none. */
export function combine(shares: readonly Share[], passphrase: Bytes = new Uint8Array()): Bytes | null {
  const first = shares[0];
  if (!first || shares.some((share) => common(share) !== common(first))) return null;
  const groups = new Map<number, Share[]>();
  for (const share of shares) groups.set(share.group, [...(groups.get(share.group) ?? []), share]);
  if (groups.size !== first.groupThreshold) return null;
  const points: Point[] = [];
  for (const [group, members] of groups) {
    const value = groupSecret(members);
    if (!value) return null;
    points.push({ at: group, value });
  }
  const encrypted = join(first.groupThreshold, points);
  return encrypted && decrypt(encrypted, passphrase, first);
}

/** What all shares of one secret have in common. */
export function common(share: Share): string {
  const { identifier, extendable, exponent, groupThreshold, groupCount } = share;
  return [identifier, extendable, exponent, groupThreshold, groupCount, share.value.length].join(" ");
}

function groupSecret(shares: readonly Share[]): Bytes | null {
  const members = [...new Map(shares.map((share) => [share.words.join(" "), share])).values()];
  const threshold = members[0]!.threshold;
  if (members.some((share) => share.threshold !== threshold)) return null;
  if (new Set(members.map((share) => share.member)).size !== members.length || members.length !== threshold) return null;
  return join(threshold, members.map((share) => ({ at: share.member, value: share.value })));
}

/** Shamir's secret, at 255; the digest at 254 tells whether it is right. */
function join(threshold: number, points: readonly Point[]): Bytes | null {
  if (threshold === 1) return points[0]!.value;
  const secret = interpolate(points, 255);
  const digest = interpolate(points, 254);
  const right = hmac(sha256, digest.slice(4), secret).slice(0, 4);
  return hex(right) === hex(digest.slice(0, 4)) ? secret : null;
}

/** Four Feistel rounds with PBKDF2, backwards. */
function decrypt(encrypted: Bytes, passphrase: Bytes, share: Share): Bytes {
  const half = encrypted.length / 2;
  let left = encrypted.slice(0, half);
  let right = encrypted.slice(half);
  const salt = share.extendable ? new Uint8Array() : joined(utf8("shamir"), Uint8Array.of(share.identifier >> 8, share.identifier & 255));
  const c = (10000 << share.exponent) / 4;
  for (const round of [3, 2, 1, 0]) {
    const key = pbkdf2(sha256, joined(Uint8Array.of(round), passphrase), joined(salt, right), { c, dkLen: half });
    [left, right] = [right, left.map((byte, index) => byte ^ key[index]!)];
  }
  return joined(right, left);
}

function joined(one: Bytes, other: Bytes): Bytes {
  const all = new Uint8Array(one.length + other.length);
  all.set(one);
  all.set(other, one.length);
  return all;
}
