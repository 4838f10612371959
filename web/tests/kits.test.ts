import assert from "node:assert/strict";
import { test } from "node:test";
import { hex, utf8 } from "../src/bytes.ts";
import { Collection } from "../src/collection/collection.ts";
import { isSigned } from "../src/config/openpgp.ts";
import { belongs, kitFolders, material, materialsOf, nameIn } from "../src/kits/folder.ts";
import { readManifest } from "../src/kits/manifest.ts";
import { textOf } from "../src/shares/share.ts";
import { vectors } from "./vectors.ts";

for (const { name, files, shares } of vectors("kits").cases) {
  test(`a folder, ${name}`, () => {
    let collection = new Collection();
    for (const folder of kitFolders(Object.keys(files))) {
      const within = Object.entries<string>(files).filter(([path, text]) => belongs(folder, path, text.length));
      const kit = { label: folder, files: new Map(within.map(([path, text]) => [nameIn(folder, path)!, utf8(text)])) };
      for (const each of materialsOf(kit)) collection = collection.add(each);
    }
    assert.deepEqual(collection.shares.map(textOf).sort(), [...shares].sort());
  });
}

const recoveries = vectors("recoveries");
for (const { name, materials, findings, secrets } of recoveries.cases) {
  test(`a recovery, ${name}`, () => {
    let collection = new Collection();
    for (const { label, share, kit } of materials) {
      collection = collection.add(material(label, { shareText: share, manifest: kit ? utf8(recoveries.kits[kit]) : null }));
    }
    assert.deepEqual(collection.findings.map(({ state, steward, epoch }) => ({ state, steward, epoch })), findings);
    assert.deepEqual([...collection.candidates()].map(({ secret }) => hex(secret)), secrets);
  });
}

const { base, taken, refused, refused_files } = vectors("manifests");

for (const { name, changes } of taken) {
  test(`a manifest that is taken, ${name}`, () => {
    const document = changed(base, changes);
    const info = readManifest(utf8(JSON.stringify(document)));
    assert.deepEqual([info?.ownerName, info?.stewardName], [document.owner.name, document.steward.name]);
  });
}

/** JSON.stringify writes 1.0 as 1, so this one is written by hand. */
const FRACTION = "wrong /epoch (10)";

for (const { name, changes } of refused) {
  test(`a manifest that is refused, ${name}`, () => {
    const text = JSON.stringify(changed(base, changes));
    assert.equal(readManifest(utf8(name === FRACTION ? text.replace('"epoch":1,', '"epoch":1.0,') : text)), null);
  });
}

test("the fraction among the refused manifests is the one that is written by hand", () => {
  const { changes } = refused.find((each: { name: string }) => each.name === FRACTION);
  assert.deepEqual(changes, [{ pointer: "/epoch", value: 1 }]);
});

for (const { name, base64 } of refused_files) {
  test(`no manifest, ${name}`, () => {
    assert.equal(readManifest(new Uint8Array(Buffer.from(base64, "base64"))), null);
  });
}

test("what is nested too deeply is refused", () => {
  const text = JSON.stringify(base).replace("{", `{"future": ${"[".repeat(100000)}${"]".repeat(100000)},`);
  assert.equal(readManifest(utf8(text)), null);
});

const signatures = vectors("signatures");
for (const { name, kit, signature, good } of signatures.cases) {
  test(`a signature, ${name}`, async () => {
    const by = await isSigned(utf8(kit), utf8(signature), utf8(signatures.public_key));
    assert.equal(by === signatures.fingerprint, good);
  });
}

function changed(document: any, changes: { pointer: string; value?: unknown }[]): any {
  const copy = structuredClone(document);
  for (const change of changes) {
    const way = change.pointer.split("/").slice(1);
    const last = way.pop()!;
    const part = way.reduce((each, step) => each[step], copy);
    if ("value" in change) part[last] = change.value;
    else if (Array.isArray(part)) part.splice(Number(last), 1);
    else delete part[last];
  }
  return copy;
}
