import assert from "node:assert/strict";
import { test } from "node:test";
import { sha256 } from "@noble/hashes/sha2.js";
import { type Bytes, fromHex, hex, utf8 } from "../src/bytes.ts";
import { isSignedBy } from "../src/archive/ed25519.ts";
import type { Blobs } from "../src/repository/blobs.ts";
import type { Index, Place } from "../src/repository/index.ts";
import { isPlain, unquoted } from "../src/repository/names.ts";
import type { Candidate } from "../src/repository/keys.ts";
import { Repository } from "../src/repository/repository.ts";
import { Restore } from "../src/repository/restore.ts";
import type { Node } from "../src/repository/trees.ts";
import { expected, folder, Kept, restored, told } from "./restoring.ts";

const { repository: versions, repository_1: first, repository_key: key } = expected();
const MASTER: Candidate = { name: key.name, password: "", masterKey: key.repository.master_key, keyFile: key.repository.key_file };
const OUTSIDE = ["above", "absolute", "outside"];
const all = [...folder("repository").sizes];
const names = (kind: string): string[] => all.map(([name]) => name).filter((name) => name.startsWith(`${kind}/`));
const gone = (kind: string): Changes => Object.fromEntries(names(kind).map((name) => [name, null]));

type Changes = NonNullable<Parameters<typeof folder>[1]>;

async function repository(changes: Changes = {}, candidate: Partial<Candidate> = {}): Promise<Repository> {
  const found = await Repository.open(folder("repository", changes), [{ ...MASTER, ...candidate }]);
  assert.ok(found instanceof Repository);
  return found;
}

/** What the daemon put there under this id, without what no page writes. */
function whole(id: string): Record<string, string> {
  const [, content] = Object.entries<Record<string, string>>(versions).find(([short]) => id.startsWith(short))!;
  return wholeOf(content);
}

function wholeOf(content: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(content).filter(([path, each]) => !OUTSIDE.includes(path) && each !== "special"));
}

function flipped(content: Bytes): Bytes {
  content[Math.floor(content.length / 2)]! ^= 1;
  return content;
}

/** Everything in each of these versions is as it was. */
async function assertWhole(from: Repository, count = 3): Promise<void> {
  const ids = from.versions.map(({ id }) => id);
  assert.equal(ids.length, count);
  for (const id of ids) {
    const { found, report } = await restored(from, id);
    assert.deepEqual(found, whole(id));
    assert.deepEqual(report.damaged, []);
    assert.deepEqual(told(report, "outside"), OUTSIDE);
  }
}

test("every snapshot of the daemon comes back, newest first, and nothing else", async () => {
  const found = await repository();
  assert.deepEqual(found.damaged, []);
  assert.deepEqual(found.versions.map(({ time }) => time.slice(0, 10)), ["2026-11-03", "2026-11-02", "2026-11-01"]);
  assert.ok(found.versions.every(({ label, broken }) => label === "photos/cloud" && !broken.length));
  await assertWhole(found);
});

test("the first format of restic, without compression, comes back by its password, with and without its indexes", async () => {
  const candidate: Candidate = { name: key.name, password: key.password, masterKey: "", keyFile: "" };
  const [id, content] = Object.entries<Record<string, string>>(first)[0]!;
  const indexes = [...folder("repository-1").sizes.keys()].filter((name) => name.startsWith("index/"));
  for (const changes of [{}, Object.fromEntries(indexes.map((name) => [name, null]))]) {
    const found = await Repository.open(folder("repository-1", changes), [candidate]);
    assert.ok(found instanceof Repository);
    const [version, another] = found.versions;
    assert.ok(version!.id.startsWith(id) && !another && indexes.length > 0);
    assert.deepEqual((await restored(found, version!.id)).found, wholeOf(content));
  }
});

test("files have their sizes before anything is read, and some of them can be chosen", async () => {
  const found = await repository();
  const [, second] = found.versions;
  const { entries } = await found.list(second!.id);
  assert.equal(entries.find(({ path }) => path === "holes")?.size, 2 << 20);
  const chosen = await restored(found, second!.id, ["caf\xc3\xa9", "linked-3"]);
  assert.deepEqual(Object.keys(chosen.found).sort(), ["caf\xc3\xa9", "caf\xc3\xa9/linked-2", "caf\xc3\xa9/\xc3\xbcn\xc3\xafcode.txt", "linked-3"]);
});

test("the password opens a key file; a wrong one and a damaged file are told apart", async () => {
  const given: Candidate = { name: "x", password: key.password, masterKey: "", keyFile: "" };
  assert.ok((await Repository.open(folder("repository"), [{ ...given, password: "wrong" }, given])) instanceof Repository);
  assert.deepEqual(await Repository.open(folder("repository"), [{ ...given, password: "wrong" }]), []);
  const [file] = names("keys");
  assert.deepEqual(await Repository.open(folder("repository", { [file!]: flipped }), [given]), [file]);
});

test("keys/ is gone: the copy in the config opens it, as a master key or as a key file", async () => {
  await assertWhole(await repository(gone("keys")));
  const file: Candidate = { ...MASTER, password: key.password, masterKey: "" };
  assert.ok((await Repository.open(folder("repository", gone("keys")), [file])) instanceof Repository);
  assert.deepEqual(await Repository.open(folder("repository", gone("keys")), [{ ...file, keyFile: "" }]), []);
});

test("a key file that asks for too much work, or is none, opens nothing", async () => {
  const { N, ...rest } = JSON.parse(key.repository.key_file);
  for (const bad of [{ ...rest, N: 2 ** 30 }, { ...rest, N, p: 2 ** 20 }, { ...rest, N: 1000 }, { ...rest, N, kdf: "none" }, []]) {
    const candidate: Candidate = { name: "x", password: key.password, masterKey: "", keyFile: JSON.stringify(bad) };
    assert.deepEqual(await Repository.open(folder("repository", gone("keys")), [candidate]), []);
  }
});

test("indexes are gone or damaged: the headers of packs tell where things are", async () => {
  await assertWhole(await repository(gone("index")));
  const [one] = names("index");
  const found = await repository({ [one!]: flipped });
  assert.deepEqual(found.damaged, [one]);
  await assertWhole(found);
});

test("the config of the repository is gone", async () => {
  await assertWhole(await repository({ config: null }));
});

test("snapshots are gone: the trees that no other has are found", async () => {
  const found = await repository(gone("snapshots"));
  assert.equal(found.versions.length, 3);
  const wanted = Object.keys(versions).map((id) => JSON.stringify(sorted(whole(id)))).sort();
  const there: string[] = [];
  for (const { id } of found.versions) there.push(JSON.stringify(sorted((await restored(found, id)).found)));
  assert.deepEqual(there.sort(), wanted);
});

test("one snapshot is damaged: it is named, and its tree is found", async () => {
  const [one] = names("snapshots");
  const found = await repository({ [one!]: flipped });
  assert.deepEqual(found.damaged, [one]);
  assert.equal(found.versions.length, 3);
});

for (const [how, change] of [["missing", null], ["damaged", flipped]] as const) {
  for (const name of how === "missing" ? names("data") : names("data").slice(0, 2)) {
    test(`a pack is ${how}: what was in it is named, the rest is whole (${name.slice(8, 16)})`, async () => {
      const found = await repository({ [name]: change });
      for (const { id, broken } of [found.versions[0]!, found.versions[2]!]) {
        try {
          const { found: there, report } = await restored(found, id);
          const lost = told(report, "lost");
          for (const [path, content] of Object.entries(whole(id))) {
            const covered = lost.some((each) => path === each || path.startsWith(`${each}/`));
            assert.ok(covered ? !(path in there) || content === "/" : there[path] === content, path);
          }
          if (lost.length) assert.ok(report.damaged.includes(name));
          for (const path of told(report, "holes")) assert.ok(lost.includes(path.replace(".incomplete", "")), path);
        } catch (problem) {
          assert.match((problem as Error).message, new RegExp(name), "the root itself was in it");
          assert.ok(how === "damaged" || broken.includes(name));
        }
      }
    });
  }
}

test("a damaged blob leaves a file with a hole that is named", async () => {
  const place: Place = { pack: "0".repeat(64), offset: 0, length: 42, plain: 10, compressed: false };
  const index = { places: () => [place] } as unknown as Index;
  const blobs = { plan: () => undefined, get: async (id: string) => (id === "good" ? new Uint8Array(10).fill(7) : null) } as unknown as Blobs;
  const file = (path: string, content: string[]): Node => ({ path, kind: "file", size: 10 * content.length, mode: 0o644, time: 0, target: "", content, inode: "" });
  const nodes = [file("whole", ["good"]), file("part", ["good", "bad", "good"]), file("nothing", ["bad"])];
  const sink = new Kept();
  const report = await new Restore({ nodes, lost: [], refused: [] }, new Set([""]), sink, index, blobs, new Set(["data/00"]), async () => undefined).run();
  const holed = new Uint8Array(30).fill(7).fill(0, 10, 20);
  assert.deepEqual(Object.keys(sink.found).sort(), ["part.incomplete", "whole"]);
  assert.equal(sink.found["part.incomplete"], hex(sha256(holed)));
  assert.deepEqual([told(report, "lost"), told(report, "holes"), report.files, report.damaged], [["nothing", "part"], ["part.incomplete"], 1, ["data/00"]]);
});

test("names are as in the source of a Go program", () => {
  const cases: [string, string | null][] = [
    ["plain", "plain"], ["caf\u00e9", "caf\xc3\xa9"], ["\\x07\\n\\t", "\x07\n\t"], ["\\u2028", "\xe2\x80\xa8"], ["\\xe9\\xff", "\xe9\xff"],
    ['\\"\\\\', '"\\'], ["\\U0001f600", "\xf0\x9f\x98\x80"], ["\\", null], ["a\\q", null], ["\\U00110000", null],
  ];
  for (const [quoted, name] of cases) assert.equal(unquoted(quoted), name, quoted);
  for (const name of ["", ".", "..", "a/b", "\0", null]) assert.ok(!isPlain(name));
  assert.ok(isPlain("..."));
});

test("Ed25519: the first vector of RFC 8032, and what must be refused", () => {
  const publicKey = fromHex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
  const signature = fromHex("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b");
  const nothing = new Uint8Array(0);
  assert.ok(isSignedBy(nothing, signature, publicKey));
  assert.ok(!isSignedBy(utf8("x"), signature, publicKey));
  assert.ok(!isSignedBy(nothing, signature.slice(1), publicKey));
  let scalar = signature.subarray(32).reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n) + (1n << 252n) + 27742317777372353535851937790883648493n;
  const stretched = signature.slice();
  for (let place = 32; place < 64; place++, scalar >>= 8n) stretched[place] = Number(scalar & 255n);
  assert.ok(!isSignedBy(nothing, stretched, publicKey));
});

function sorted(record: Record<string, string>): [string, string][] {
  return Object.entries(record).sort(([one], [other]) => (one < other ? -1 : 1));
}

