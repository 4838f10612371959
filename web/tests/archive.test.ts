import assert from "node:assert/strict";
import { test } from "node:test";
import { Archive } from "../src/archive/archive.ts";
import type { Bytes } from "../src/bytes.ts";
import { dataKey } from "../src/config/openpgp.ts";
import { expected, folder, restored, told } from "./restoring.ts";

const { keys, archive: versions } = expected();
const [{ archive: key }] = Object.values<any>(keys);
const [first, second, third] = Object.keys(versions).sort() as [string, string, string];
const opened = dataKey(key.private_key, key.passphrase, key.fingerprint);
const OUTSIDE = ["above", "absolute", "outside"];

async function archive(changes: Parameters<typeof folder>[1] = {}, name = "archive"): Promise<Archive> {
  return Archive.open(folder(name, changes), { fingerprint: key.fingerprint, verifyKey: key.verify_key }, (await opened)!);
}

/** What a version had, without what no page writes. */
function whole(version: string): Record<string, string> {
  return Object.fromEntries(Object.entries<string>(versions[version]).filter(([path, content]) => !OUTSIDE.includes(path) && content !== "special"));
}

function flipped(content: Bytes): Bytes {
  content[Math.floor(content.length / 2)]! ^= 1;
  return content;
}

for (const version of [first, second, third]) {
  test(`all of ${version} comes back, and nothing else`, async () => {
    const { found, report } = await restored(await archive(), version);
    assert.deepEqual(found, whole(version));
    assert.deepEqual(report.damaged, []);
    assert.deepEqual(told(report, "outside"), OUTSIDE);
    assert.equal(report.problems.length, OUTSIDE.length + Object.values(versions[version]).filter((content) => content === "special").length);
  });
}

test("versions tell what is in them", async () => {
  const found = (await archive()).versions;
  assert.deepEqual(found.map(({ id }) => id), [third, second, first]);
  assert.ok(found.every(({ files, bytes, broken }) => files! > 50 && bytes! > 1e6 && !broken.length));
  const { entries } = await (await archive()).list(second);
  assert.deepEqual(entries.map(({ path }) => path).sort(), Object.keys(versions[second]).sort());
});

test("an archive of the first format, whose manifests list all runs", async () => {
  const from = await archive({}, "archive_1");
  assert.deepEqual(from.versions, (await archive()).versions);
  const { found, report } = await restored(from, third);
  assert.deepEqual(found, whole(third));
  assert.deepEqual([...from.damaged, ...report.damaged], []);
});

test("without the list of all runs, or with one that is damaged, the manifests tell of them", async () => {
  const list = `${third}.runs`;
  const manifest = await folder("archive").read(`${third}.manifest`);
  for (const change of [null, flipped, () => manifest]) {
    const from = await archive({ [list]: change });
    assert.deepEqual(from.versions, (await archive()).versions);
    assert.deepEqual(from.damaged, change ? [list] : []);
  }
  const { found } = await restored(await archive({ [list]: null, [`${first}.manifest`]: null }), third);
  assert.equal(found["random"], versions[third]["random"]);
});

test("a list is no manifest", async () => {
  const list = await folder("archive").read(`${third}.runs`);
  const from = await archive({ [`${third}.manifest`]: () => list });
  assert.deepEqual(from.damaged, [`${third}.manifest`]);
  assert.deepEqual(from.versions.map(({ id }) => id), [second, first]);
});

test("a choice of files and folders brings these, and no more", async () => {
  const { found } = await restored(await archive(), second, ["café", "holes", "linked-3"]);
  const wanted = Object.entries(whole(second)).filter(([path]) => /^(cafÃ©(\/|$)|holes$|linked-3$)/.test(path));
  assert.deepEqual(Object.keys(found).sort(), ["holes", "linked-3"], "names are bytes: this one was another name");
  assert.ok(wanted.length > 3);
  const both = await restored(await archive(), second, ["caf\xc3\xa9", "holes", "linked-3"]);
  assert.deepEqual(both.found, Object.fromEntries(wanted));
});

test("a volume that is missing or damaged costs what is in it, and nothing old takes its place", async () => {
  for (const change of [null, flipped]) {
    const name = `${second}.00002.gpg`;
    const { found, report } = await restored(await archive({ [name]: change }), second);
    assert.deepEqual(report.damaged, [name]);
    const lost = told(report, "lost");
    assert.ok(lost.includes("random"), lost.join());
    assert.deepEqual(Object.keys(whole(second)).sort(), [...Object.keys(found), ...lost].sort());
    for (const [path, content] of Object.entries(found)) assert.equal(content, versions[second][path], path);
  }
});

test("the first volume of an increment is missing: only what it surely did not have comes from before", async () => {
  const { found, report } = await restored(await archive({ [`${third}.00001.gpg`]: null }), third);
  assert.deepEqual(Object.values(found).filter((content) => content !== "/"), []);
  assert.equal(told(report, "lost").length, Object.values(whole(third)).filter((content) => content !== "/").length + OUTSIDE.length);
  assert.deepEqual((await archive({ [`${third}.00001.gpg`]: null })).versions.map(({ broken }) => broken.length), [1, 0, 0]);
  assert.deepEqual((await restored(await archive({ [`${third}.00001.gpg`]: null }), second)).found, whole(second));
});

test("a full run of which the end is missing", async () => {
  const { found, report } = await restored(await archive({ [`${first}.00004.gpg`]: null }), third);
  const lost = told(report, "lost");
  assert.ok(lost.includes("big") && !lost.includes("random"));
  assert.deepEqual([...Object.keys(found), ...lost].sort(), [...Object.keys(whole(third)), ...lost.filter((path) => OUTSIDE.includes(path))].sort());
  assert.equal(found["comes back"], versions[third]["comes back"]);
  for (const [path, content] of Object.entries(found)) assert.equal(content, versions[third][path], path);
});

test("manifests that are altered, cut, renamed, or another key's are not used, and are named", async () => {
  const name = `${third}.manifest`;
  const texts: ((text: string) => string)[] = [
    (text) => text.replace('"missing":0', '"missing":1'),
    (text) => text.slice(0, -30),
    (text) => text.split("\n")[0] + "\n",
    () => "",
    () => "{}\n",
  ];
  for (const change of texts) {
    const found = await archive({ [name]: (content) => new Uint8Array(Buffer.from(change(Buffer.from(content).toString()))) });
    assert.deepEqual(found.damaged, [name]);
    assert.equal(found.versions[0]!.id, second);
  }
  const older = folder("archive").read(`${first}.manifest`);
  const moved = await archive({ [name]: () => new Uint8Array(0) });
  assert.deepEqual(moved.damaged, [name]);
  const replayed = await older;
  assert.deepEqual((await archive({ [name]: () => replayed })).damaged, [name]);
  const { fingerprint } = key;
  const other = await Archive.open(folder("archive"), { fingerprint, verifyKey: keys.other ?? "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----" }, (await opened)!);
  assert.deepEqual(other.versions, []);
  assert.equal(other.damaged.length, 3);
});

test("an older manifest is missing: what newer runs have comes back", async () => {
  const { found, report } = await restored(await archive({ [`${first}.manifest`]: null }), third);
  assert.deepEqual(report.damaged, [`${first}.manifest`]);
  assert.equal(found["comes back"], versions[third]["comes back"]);
  assert.equal(found["random"], versions[third]["random"]);
  assert.ok(told(report, "lost").includes("big"));
});

test("another key, or another passphrase, opens nothing", async () => {
  assert.equal(await dataKey(key.private_key, "0".repeat(64), key.fingerprint), null);
  assert.equal(await dataKey(key.private_key, key.passphrase, "0".repeat(40)), null);
  assert.equal(await dataKey(key.public_key, key.passphrase, key.fingerprint), null);
});

test("signed and whole, but everything leads out of the folder", async () => {
  const from = await archive({}, "hostile");
  const { found, report } = await restored(from, from.versions[0]!.id);
  assert.equal(report.files, 2);
  assert.deepEqual(Object.keys(found).sort(), ["good", "way/through"]);
  assert.deepEqual(told(report, "outside"), ["..", "../up", "/absolute", "hard", "inner/../../up", "inner//../../../up", "out", "way"].sort());
  assert.deepEqual(told(report, "lost"), []);
});
