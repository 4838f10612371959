import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { hex, utf8 } from "../src/bytes.ts";
import { Collection } from "../src/collection/collection.ts";
import { material } from "../src/kits/folder.ts";
import { combine } from "../src/shares/combine.ts";
import { decode, hashOf, readShare, ShareError } from "../src/shares/share.ts";
import { parseWords, pinpoint, suggest, WORDS } from "../src/shares/words.ts";
import { ROOT, vectors } from "./vectors.ts";

const collected = (shares: string[]): Collection =>
  shares.reduce((all, share, place) => all.add(material(String(place), { shareText: share })), new Collection());

const secretsOf = (collection: Collection): string[] => [...collection.candidates()].map(({ secret }) => hex(secret));

test("the list is that of recover.py", () => {
  const program = readFileSync(join(ROOT, "paraduxd/keeper/kits/documents/data/recover.py"), "utf8");
  assert.deepEqual(WORDS, program.split('WORDS = """')[1]!.split('"""')[0]!.trim().split(/\s+/));
});

for (const { name, text } of vectors("words").good) {
  test(`a share, ${name}`, () => {
    const expected = vectors("words").share;
    const share = readShare(parseWords(text));
    assert.deepEqual([...share.words], expected.words);
    assert.deepEqual(
      [hashOf(share), share.identifier, share.threshold, share.member],
      [expected.sha256, expected.identifier, expected.threshold, expected.member],
    );
  });
}

for (const { name, text, problem, positions } of vectors("words").bad) {
  test(`no share, ${name}`, () => {
    assert.throws(
      () => readShare(parseWords(text)),
      (error) => error instanceof ShareError && error.problem === problem && error.positions.join() === positions.join(),
    );
  });
}

test("a wrong word is corrected", () => {
  for (const { text, position, word } of vectors("words").corrections) {
    assert.ok(pinpoint(parseWords(text)).some((each) => each.position === position && each.word === word));
  }
});

test("the word that was meant is offered", () => {
  assert.equal(suggest("academik")[0], "academic");
  assert.equal(suggest("theerapy")[0], "therapy");
  assert.deepEqual(suggest("qqqqqqqqqq"), []);
});

for (const { name, shares, selections, identifier } of vectors("sets").sets) {
  test(`a set, ${name}`, () => {
    for (const { members, secret } of selections) {
      const collection = collected(members.map((member: number) => shares[member]));
      assert.deepEqual(secretsOf(collection), secret ? [secret] : []);
      assert.ok(collection.sets.every((each) => each.identifier === identifier));
    }
  });
}

const official = JSON.parse(readFileSync(join(ROOT, "tests/shares/slip39-vectors.json"), "utf8"));
for (const [description, shares, secret] of official) {
  test(`SLIP-0039: ${description}`, () => {
    let found = "";
    try {
      found = hex(combine(shares.map((share: string) => decode(share.split(" "))), utf8("TREZOR")) ?? new Uint8Array());
    } catch (error) {
      assert.ok(error instanceof ShareError);
    }
    assert.equal(found, secret);
  });
}
