import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Bytes, fromHex, hex, utf8 } from "../src/bytes.ts";
import { Collection } from "../src/collection/collection.ts";
import { newestFirst, newerThan, open, read } from "../src/config/opening.ts";
import { openMessage, unlock } from "../src/config/openpgp.ts";
import { isObject } from "../src/json.ts";
import { belongs, kitFolders, material, materialsOf, nameIn } from "../src/kits/folder.ts";
import { filesBelow, ROOT, vectors } from "./vectors.ts";

async function opened(key: Bytes, message: Bytes, secret: Bytes): Promise<number | null> {
  const unlocked = await unlock(key, secret);
  if (!unlocked) return null;
  try {
    return read("", unlocked.fingerprint, await openMessage(message, unlocked)).header.serial;
  } catch {
    return null;
  }
}

const openings = vectors("openings");
for (const { name, key, message, serial } of openings.cases) {
  test(`a config, ${name}`, async () => {
    const found = await opened(utf8(key), new Uint8Array(Buffer.from(message, "base64")), fromHex(openings.secret));
    assert.equal(found, serial);
  });
}

test("another secret opens nothing", async () => {
  const { key, message } = openings.cases[0];
  assert.equal(await opened(utf8(key), new Uint8Array(Buffer.from(message, "base64")), new Uint8Array(32)), null);
});

for (const { name, configs, order } of vectors("choices").cases) {
  test(`the newest config, ${name}`, () => {
    const found = configs.map((each: any) => ({ ...each, config: { managed: { generation: each.generation } } }));
    assert.deepEqual(newestFirst<{ label: string } & (typeof found)[0]>(found).map(({ label }) => label), order);
  });
}

const golden = join(ROOT, "tests/golden");
const families = readdirSync(golden).flatMap((version) =>
  /^\d/.test(version) ? ["whole", "rotation"].map((family) => join(golden, version, family)) : [],
);

function brought(family: string, steward: string): Collection["entries"][0]["material"][] {
  const files = filesBelow(join(family, "kits", steward));
  return kitFolders([...files.keys()]).flatMap((folder) => {
    const within = [...files].filter(([path, bytes]) => belongs(folder, path, bytes.length));
    return materialsOf({ label: steward, files: new Map(within.map(([path, bytes]) => [nameIn(folder, path)!, bytes])) });
  });
}

for (const family of families) {
  const stewards = readdirSync(join(family, "kits")).sort();
  const expected = JSON.parse(readFileSync(join(family, "expected.json"), "utf8"));
  for (const [place, first] of stewards.entries()) {
    for (const second of stewards.slice(place + 1)) {
      test(`golden kits, ${family.slice(golden.length + 1)}, ${first} and ${second}`, async () => {
        let collection = new Collection();
        for (const each of [...brought(family, first), ...brought(family, second)]) collection = collection.add(each);
        const secrets = [...collection.candidates()].map(({ secret }) => hex(secret));
        assert.ok(secrets.length > 0);
        const known = Object.values<{ secret: string }>(expected.epochs).map(({ secret }) => secret);
        assert.ok(secrets.every((secret) => known.includes(secret)));
        const outcome = await open(collection);
        const newest = outcome.opened[0]!;
        assert.equal(newest.header.owner, expected.epochs["1"].config.managed.owner_id);
        assert.ok(isObject(newest.config.owner) && newest.config.owner.name === expected.epochs["1"].config.owner.name);
      });
    }
  }
  test(`what was published opens, ${family.slice(golden.length + 1)}`, async () => {
    for (const [epoch, { secret, config }] of Object.entries<{ secret: string; config: { serial: number } }>(expected.epochs)) {
      const folder = join(family, "published");
      const key = await unlock(new Uint8Array(readFileSync(join(folder, `recovery-key-${epoch}.asc`))), fromHex(secret));
      const newest = expected.epochs["1"].config.serial;
      const message = new Uint8Array(readFileSync(join(folder, `config-${epoch}-${newest}.gpg`)));
      assert.deepEqual(read("", "", await openMessage(message, key!)).config, config);
    }
  });
}

test("what an opened config holds of another epoch opens the configs of that epoch", async () => {
  const family = join(golden, "0.2.0/rotation");
  const { epochs } = JSON.parse(readFileSync(join(family, "expected.json"), "utf8"));
  const published = (name: string): Bytes => new Uint8Array(readFileSync(join(family, "published", name)));
  let collection = new Collection();
  for (const words of Object.values<string>(epochs["2"].words)) collection = collection.add(material("sheet", { shareText: words }));
  for (const epoch of [1, 2]) {
    const [key, config] = [published(`recovery-key-${epoch}.asc`), published(`config-${epoch}-5.gpg`)];
    collection = collection.add(material(`epoch ${epoch}`, { key, config }));
  }
  const { opened } = await open(collection);
  assert.deepEqual(opened.map(({ header }) => header.epoch).sort(), [1, 2]);
});

test("a kit alone opens nothing, and a newer one that is known of is told", async () => {
  const family = join(golden, "0.2.0/whole");
  let collection = new Collection();
  for (const each of brought(family, "alice")) collection = collection.add(each);
  assert.deepEqual((await open(collection)).opened, []);
  for (const each of brought(family, "carol")) collection = collection.add(each);
  const outcome = await open(collection);
  assert.equal(newerThan(outcome.opened, collection), null);
  const kit = filesBelow(join(family, "kits/dietrich/PARADUX")).get("kit.json")!;
  const later = utf8(Buffer.from(kit).toString().replace(/"serial": \d+/, '"serial": 77'));
  assert.equal(newerThan(outcome.opened, collection.add(material("later", { manifest: later })))?.serial, 77);
});
