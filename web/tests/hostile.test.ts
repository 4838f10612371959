import assert from "node:assert/strict";
import { test } from "node:test";
import { parseJson } from "../src/json.ts";
import { readManifest } from "../src/kits/manifest.ts";
import { Download } from "../src/output/download.ts";
import { FolderSink } from "../src/output/folder.ts";
import { ZipSink } from "../src/output/zip.ts";
import { binaryOf, legible } from "../src/paths.ts";
import type { Blobs } from "../src/repository/blobs.ts";
import { Repository } from "../src/repository/repository.ts";
import { walk } from "../src/repository/trees.ts";
import { inflateWhole, longest } from "../src/streams/zstd.ts";
import { utf8 } from "../src/bytes.ts";
import { restored, told } from "./restoring.ts";
import { Enemy, MASTER_KEY } from "./sealing.ts";
import { vectors } from "./vectors.ts";

const KEY = { name: "photos/shelf", password: "", keyFile: "", masterKey: MASTER_KEY };

async function opened(enemy: Enemy): Promise<Repository> {
  const found = await Repository.open(enemy, [KEY]);
  assert.ok(found instanceof Repository);
  return found;
}

const file = (name: string, content: string, more = ""): string => `{"name":${JSON.stringify(name)},"type":"file","size":4,"content":["${content}"]${more}}`;
const nodes = (...all: string[]): string => `{"nodes":[${all.join()}]}`;

test("a repository whose names lead elsewhere, lie, or mean something to a program", async () => {
  const enemy = new Enemy();
  const good = enemy.blob(utf8("good"));
  const root = enemy.tree(nodes(
    ...["..", ".", "", "a/b", "/etc/passwd", "\\x2e\\x2e", "x\\x00y", "\\x2fetc"].map((name) => file(name, good)),
    ...["good", "__proto__", "constructor", "toString"].map((name) => file(name, good)),
    `{"name":"proto","type":"constructor"}`,
    `{"name":"hidden","type":"__proto__"}`,
    `{"name":"link","type":"symlink","linktarget":"../../outside"}`,
    file("short", good, "").replace('"size":4', '"size":3'),
    file("long", good, "").replace('"size":4', '"size":9007199254740991'),
    file("negative", good, "").replace('"size":4', '"size":-1'),
    `{"name":"nothing","type":"file","size":1e300,"content":{"length":9}}`,
    `{"name":"nowhere","type":"dir","subtree":"${"0".repeat(64)}"}`,
    `{"name":7,"type":"file"}`, "null", "[]",
  ));
  const from = await opened(enemy.snapshot(root));
  const { found, report } = await restored(from, from.versions[0]!.id);
  assert.deepEqual(Object.keys(found).filter((path) => found[path] === found.good).sort(), ["constructor", "good", "toString"]);
  assert.equal(report.files, 5); // these, "__proto__", and one that is empty
  assert.equal(told(report, "outside").length, 10, told(report, "outside").join());
  assert.deepEqual(told(report, "special"), ["hidden", "proto"]);
  assert.deepEqual(told(report, "lost"), ["long", "negative", "nowhere", "short"]);
  assert.equal(({} as any).size, undefined);
});

test("a tree that says the same thing twice, or is deeper than any, is lost and costs nothing", async () => {
  const enemy = new Enemy();
  const good = enemy.blob(utf8("good"));
  const twice = enemy.tree(`{"nodes":[],"nodes":[${file("twice", good)}]}`);
  let inner = enemy.tree(nodes(file("good", good)));
  for (let depth = 0; depth < 1100; depth++) inner = enemy.tree(nodes(`{"name":"d","type":"dir","subtree":"${inner}"}`));
  const root = enemy.tree(nodes(`{"name":"twice","type":"dir","subtree":"${twice}"}`, `{"name":"deep","type":"dir","subtree":"${inner}"}`));
  const from = await opened(enemy.snapshot(root));
  const { report } = await restored(from, from.versions[0]!.id);
  const [deep, second, third] = told(report, "lost");
  assert.ok(deep!.startsWith("deep/d/d") && second === "twice" && !third);
});

test("folders that hold each other twice, again and again, end with a sentence, and each is read once", async () => {
  const trees = new Map<string, string>();
  const idOf = (depth: number): string => depth.toString(16).padStart(64, "0");
  for (let depth = 0; depth < 60; depth++) trees.set(idOf(depth), nodes(...["a", "b"].map((name) => `{"name":"${name}","type":"dir","subtree":"${idOf(depth - 1)}"}`)));
  let reads = 0;
  const blobs = { get: async (id: string) => ((reads += 1), utf8(trees.get(id) ?? nodes())) } as unknown as Blobs;
  await assert.rejects(walk(idOf(59), blobs, 100_000), /more files than 100000/);
  assert.ok(reads <= 61, String(reads));
});

test("few bytes that stand for very many are not unpacked", async () => {
  const run = [1 | (1 << 1) | ((1 << 20) << 3)]; // one last block: a byte, a million times
  const frame = (blocks: number[]): Uint8Array => Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0x88, ...blocks.flatMap((each) => [each & 255, (each >> 8) & 255, each >> 16, 7])]);
  const bomb = frame([...Array<number>(200_000).fill(run[0]! - 1), ...run]);
  assert.ok(bomb.length < 1e6 && longest(bomb) > 2e11);
  assert.throws(() => inflateWhole(bomb, 1 << 30));
  for (const cut of [1, 4, 5, 7, 9]) assert.throws(() => longest(bomb.subarray(0, cut)));
  const enemy = new Enemy();
  const large = enemy.blob(utf8("good"), "data", { bytes: bomb, claimed: 4 });
  const from = await opened(enemy.snapshot(enemy.tree(nodes(file("bomb", large)))));
  assert.deepEqual(told((await restored(from, from.versions[0]!.id)).report, "lost"), ["bomb"]);
});

test("JSON: a key twice, whatever way it is written, and what every object has", () => {
  for (const text of ['{"a":1,"a":2}', '{"a":1,"\\u0061":2}', '{"x":{"a":1 , "a"\n:2}}', '[{"a":{},"a":[]}]', '{"__proto__":1,"__proto__":2}', '"a":"a"']) {
    assert.throws(() => parseJson(text), SyntaxError, text);
  }
  for (const text of ['{"a":{"a":["a","a"]},"b":"a"}', '[{"a":1},{"a":1}]', '{"a":"\\"a\\":1,\\"a\\":2"}', '{"":"","a":":"}', '"a"']) assert.deepEqual(parseJson(text), JSON.parse(text));
  assert.deepEqual(parseJson('{"every":1.5,"b":[1e3,-0.25,2],"c":"1.5"}'), { every: NaN, b: [NaN, NaN, 2], c: "1.5" });
  const own = parseJson('{"__proto__":{"polluted":true}}') as any;
  assert.equal(({} as any).polluted, undefined);
  assert.deepEqual(Object.keys(own), ["__proto__"]);
  assert.equal(readManifest(utf8(JSON.stringify({ ...vectors("manifests").base, files: JSON.parse('{"__proto__":{"bytes":1,"sha256":"x"}}') }))), null);
});

test("a zip that is unpacked on Windows stays in its folder", async () => {
  const files: Blob[] = [];
  const sink = new ZipSink(new Download(async (whole) => void files.push(whole)), 2 ** 31);
  const names = ["..\\..\\up", "in\\..\\..\\up", "\\\\server\\share", "\\up", "C:\\up", "c:up", "fine\\name", "a: b", "..."];
  for (const name of names) await (await sink.file(name, { size: 0, time: 0, mode: 0o644 })).end();
  await sink.finish();
  const text = binaryOf(new Uint8Array(await files[0]!.arrayBuffer()));
  assert.deepEqual([...sink.renamed], [
    ["..\\..\\up", "..%5C..%5Cup"], ["in\\..\\..\\up", "in%5C..%5C..%5Cup"], ["\\\\server\\share", "%5C%5Cserver%5Cshare"],
    ["\\up", "%5Cup"], ["C:\\up", "C%3A%5Cup"], ["c:up", "c%3Aup"], ["a: b", "a%3A b"],
  ]);
  for (const name of sink.renamed.keys()) assert.ok(!text.includes(`${name}PK`) && !text.includes(`${name}\0`), name);
  assert.ok(text.includes("fine\\name"));
});

test("a folder on Windows: names of devices, of one letter in two sizes, and with what no name may have", async () => {
  const made: string[] = [];
  const folder: any = {
    name: "x",
    getDirectoryHandle: async (name: string) => (made.push(`${name}/`), folder),
    getFileHandle: async (name: string) => {
      if (/[\\:*?"<>|\x00-\x1f]|[. ]$|^(con|aux|nul|com1)(\.|$)/i.test(name)) throw new TypeError("Name is not allowed.");
      made.push(name);
      return { createWritable: async () => ({ write: async () => undefined, close: async () => undefined, abort: async () => undefined }) };
    },
  };
  const sink = new FolderSink(folder);
  for (const name of ["Photo.jpg", "photo.JPG", "CON", "aux.txt", "COM1.jpg", "console", "a:b", "dot.", "..\\up", "n\xcc\x83", "\xc3\xb1"]) await (await sink.file(name, { size: 0, time: 0, mode: 0o644 })).end();
  assert.deepEqual(made, ["Photo.jpg", "photo.JPG (2)", "_CON", "_aux.txt", "_COM1.jpg", "console", "a%3Ab", "dot%2E", "..%5Cup", "n\u0303", "\u00f1 (2)"]);
  assert.equal(sink.renamed.size, 8);
});

test("nothing in a name turns its line around", () => {
  assert.equal(legible(binaryOf(utf8("photo\u202egpj.exe\u2028\u0007\u200e"))), "photo‹202E›gpj.exe‹2028›‹0007›‹200E›");
  assert.equal(legible(binaryOf(utf8("\ud83d\udc68\u200d\ud83d\udc69 café.jpg"))), "\ud83d\udc68\u200d\ud83d\udc69 café.jpg");
});
