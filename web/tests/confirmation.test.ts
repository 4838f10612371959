import assert from "node:assert/strict";
import { test } from "node:test";
import { sha256 } from "@noble/hashes/sha2.js";
import { hmac } from "@noble/hashes/hmac.js";
import { hex, utf8 } from "../src/bytes.ts";
import { confirmationCode, spoken } from "../src/confirmation/code.ts";
import { checkDigit } from "../src/confirmation/damm.ts";
import { readManifest } from "../src/kits/manifest.ts";
import { hashOf, readShare } from "../src/shares/share.ts";
import { vectors } from "./vectors.ts";

const { cases, check_digits } = vectors("confirmations");

for (const { name, share, member, date, kind, challenge, manifest, code } of cases) {
  test(`a confirmation code, ${name}`, () => {
    const read = readShare(share.split(" "));
    assert.equal(read.member, member);
    const kit = manifest === null ? null : { info: readManifest(utf8(manifest))!, manifest: utf8(manifest) };
    assert.equal(confirmationCode(read, { kind, kit, date, challenge }), code);
  });
}

test("check digits", () => {
  for (const { digits, check } of check_digits) assert.equal(checkDigit(digits), check);
});

test("every wrong digit and every exchange of neighbours is noticed", () => {
  const { code } = cases[0];
  for (let place = 0; place < code.length; place++) {
    for (const digit of "0123456789") {
      const wrong = code.slice(0, place) + digit + code.slice(place + 1);
      assert.equal(checkDigit(wrong) === "0", wrong === code);
    }
    const swapped = code.slice(0, place) + (code[place + 1] ?? "") + code[place] + code.slice(place + 2);
    assert.equal(checkDigit(swapped) === "0", swapped === code);
  }
});

test("codes differ, and no two cases share one", () => {
  assert.equal(new Set(cases.map((each: { code: string }) => each.code)).size, cases.length);
});

test("what stands in every kit.json does not make the code", () => {
  const { share, date, kind, manifest, code } = cases[0];
  const read = readShare(share.split(" "));
  const info = readManifest(utf8(manifest))!;
  const said = ["paradux.seen/1", info.ownerId, info.epoch, read.member, date, kind, hex(sha256(utf8(manifest))), ""].join("\n");
  for (const known of [sha256(utf8(share)), utf8(hashOf(read)), hmac(sha256, sha256(utf8(share)), utf8("paradux.seen/1"))]) {
    const number = BigInt(`0x${hex(hmac(sha256, known, utf8(said)).slice(0, 8))}`) % 10n ** 11n;
    assert.notEqual(number.toString().padStart(11, "0"), code.slice(0, 11));
  }
});

test("it is said in four groups", () => {
  assert.equal(spoken("089761180071"), "089 761 180 071");
});
