/** One kit alone: which of its files are what its manifest says, and whether the manifest is signed by the key in it. */

import { sha256 } from "@noble/hashes/sha2.js";
import { hex } from "../bytes.ts";
import { isSigned } from "../config/openpgp.ts";
import type { Kind } from "../confirmation/code.ts";
import { hashOf, type Share } from "../shares/share.ts";
import type { Kit } from "./folder.ts";
import { type KitInfo, readManifest } from "./manifest.ts";

export interface Check {
  readonly kit: Kit;
  readonly info: KitInfo | null;
  /** The kit's own share, whole. */
  readonly share: Share | null;
  readonly rotten: readonly string[];
  readonly missing: readonly string[];
  readonly signed: boolean;
  /** What a steward may confirm; null without a good share. */
  readonly kind: Kind | null;
}

/** `shares` are those that were found in the kit. */
export async function checkKit(kit: Kit, shares: readonly Share[]): Promise<Check> {
  const manifest = kit.files.get("kit.json");
  const info = manifest ? readManifest(manifest) : null;
  const share = (info ? shares.find((each) => hashOf(each) === info.shareSha256) : shares[0]) ?? null;
  const missing = info?.files.filter(({ name }) => !kit.files.has(name.toLowerCase())).map(({ name }) => name) ?? (manifest ? [] : ["kit.json"]);
  const rotten = info?.files.filter((file) => isRotten(kit, file)).map(({ name }) => name) ?? (manifest ? ["kit.json"] : []);
  const signed = info !== null && (await signer(kit)) === info.fingerprint;
  const whole = signed && rotten.length + missing.length === 0;
  return { kit, info, share, rotten, missing, signed, kind: share && (whole ? "whole" : "share") };
}

function isRotten(kit: Kit, file: KitInfo["files"][0]): boolean {
  const content = kit.files.get(file.name.toLowerCase());
  return content !== undefined && (content.length !== file.bytes || hex(sha256(content)) !== file.sha256);
}

async function signer(kit: Kit): Promise<string | null> {
  const [manifest, signature, key] = ["kit.json", "kit.json.asc", "recovery-key.asc"].map((name) => kit.files.get(name));
  return manifest && signature && key ? isSigned(manifest, signature, key) : null;
}
