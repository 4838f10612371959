/** Data that comes back: archives of the daemon through the page, compared by hash. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { downloaded, giveData, giveKit, isChromium, MATERIAL, press, screenshot, seriousFindings, textOf } from "./session.mjs";

const DATA = join(MATERIAL, "data");
const expected = JSON.parse(readFileSync(join(DATA, "expected.json"), "utf8"));
const LEFT_OUT = ["above", "absolute", "outside"];

const UNZIP = `
import hashlib, json, stat, sys, zipfile
archive, found = zipfile.ZipFile(sys.argv[1]), {}
assert archive.testzip() is None
for entry in archive.infolist():
    name = entry.orig_filename.encode("utf-8" if entry.flag_bits & 0x800 else "cp437").decode("latin-1")
    content = archive.read(entry)
    if entry.is_dir(): found[name[:-1]] = "/"
    elif stat.S_ISLNK(entry.external_attr >> 16): found[name] = "-> " + content.decode("latin-1")
    else: found[name] = hashlib.sha256(content).hexdigest()
print(json.dumps(found))
`;

function unzipped(file) {
  const found = JSON.parse(execFileSync("python3", ["-c", UNZIP, file], { encoding: "utf8", maxBuffer: 1 << 26 }));
  rmSync(file);
  return found;
}

function whole(version) {
  return Object.fromEntries(Object.entries(version).filter(([path, content]) => !LEFT_OUT.includes(path) && content !== "special"));
}

/** `given` has the session and the page of the test that runs. */
export function dataTests(given) {
  const opened = async () => {
    for (const name of ["alice", "boeb", "carol"]) await giveKit(given.page, join(MATERIAL, "kits", name, "PARADUX"));
    await given.page.waitForSelector("#restore");
  };
  const saved = (text) => downloaded(given.session.downloads, () => press(given.page, text, "#places"));

  test("an archive comes back as a zip, file by file the same", async () => {
    const { page } = given;
    await opened();
    const start = performance.now();
    await giveData(page, join(DATA, "archive"));
    await page.waitForSelector("#places .files");
    assert.match(await textOf(page, "#places"), /photos\/drawer · encrypted archive/);
    await screenshot(page, "14-archive");
    const [last] = Object.keys(expected.archive).sort().reverse();
    const file = await saved("Save as zip files");
    await page.waitForSelector("#places .fine, #places .warning");
    console.log(`from the disk to the last file: ${Math.round(performance.now() - start)} ms`);
    assert.deepEqual(unzipped(file), whole(expected.archive[last]));
    await page.click("#places .outcome summary");
    const said = await textOf(page, "#places");
    assert.match(said, /Restored: \d+ files, [\d.]+ MB\./);
    assert.match(said, /absolute: left out: it leads out of the folder/);
    await screenshot(page, "15-archive-restored");
    assert.deepEqual(await seriousFindings(page), []);
  });
}
