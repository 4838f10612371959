/** Data that comes back: archives of the daemon through the page, compared by hash. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { downloaded, giveData, giveKit, isChromium, isFirefox, MATERIAL, open, press, screenshot, seriousFindings, served, textOf, UNZIP } from "./session.mjs";

const DATA = join(MATERIAL, "data");
const expected = JSON.parse(readFileSync(join(DATA, "expected.json"), "utf8"));
/** On Windows a name that begins with a backslash leads out of the folder where a zip is unpacked. */
const NAMED_ANEW = { "%5C#012": "\\#012" };
const LEFT_OUT = ["above", "absolute", "outside"];

function unzipped(file) {
  const found = JSON.parse(execFileSync("python3", ["-c", UNZIP, file], { encoding: "utf8", maxBuffer: 1 << 26 }));
  rmSync(file);
  return Object.fromEntries(Object.entries(found).map(([path, content]) => [NAMED_ANEW[path] ?? path, content]));
}

function whole(version) {
  return Object.fromEntries(Object.entries(version).filter(([path, content]) => !LEFT_OUT.includes(path) && content !== "special"));
}

/** `given` has the session and the page of the test that runs. */
export function dataTests(given) {
  const opened = async (page = given.page) => {
    for (const name of ["alice", "boeb", "carol"]) await giveKit(page, join(MATERIAL, "kits", name, "PARADUX"));
    await page.waitForSelector("#restore");
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

  test("a volume is missing: it is named before and after, and the rest is restored", async () => {
    const { page, session } = given;
    const broken = join(session.scratch, "broken");
    const versions = Object.keys(expected.archive).sort();
    cpSync(join(DATA, "archive"), broken, { recursive: true });
    rmSync(join(broken, `${versions[1]}.00002.gpg`));
    await opened();
    await giveData(page, broken);
    await page.waitForSelector("#places .files");
    assert.match(await textOf(page, "#places"), /Parts of this version are missing here: 000002.*00002\.gpg\./);
    const found = unzipped(await saved("Save as zip files"));
    await page.waitForSelector("#places .outcome .warning");
    assert.ok(Object.entries(found).every(([path, content]) => expected.archive[versions[2]][path] === content));
    assert.ok(!("random" in found) && Object.keys(found).length > 50);
    const said = await textOf(page, "#places .outcome");
    assert.match(said, /Missing, damaged or altered: 000002.*00002\.gpg/);
    assert.match(said, /random: lost here; try an older version or another copy/);
    await screenshot(page, "16-archive-broken");
    assert.deepEqual(await seriousFindings(page), []);
    await page.select("#places select", await page.$eval("#places select option:last-child", (option) => option.value));
    await page.waitForFunction(() => !document.querySelector("#places .version .warning"));
    assert.deepEqual(unzipped(await saved("Save as zip files")), whole(expected.archive[versions[0]]));
  });

  test("one file by itself", async () => {
    const { page } = given;
    await opened();
    await giveData(page, join(DATA, "archive"));
    await page.waitForSelector("#places .files");
    const last = expected.archive[Object.keys(expected.archive).sort()[2]];
    await page.click("#places .files > summary");
    await page.click('#places input[data-path=""]');
    await page.type("#places input[type=search]", "comes b");
    await page.click('#places input[data-path="comes back"]');
    await screenshot(page, "17-choice");
    assert.match(await textOf(page, "#places .run"), /Chosen: 1 file, at most/);
    const file = await saved("Save this file");
    assert.equal(createHash("sha256").update(readFileSync(file)).digest("hex"), last["comes back"]);
    rmSync(file);
    assert.deepEqual(await seriousFindings(page), []);
    const offersFolder = Boolean(await page.$('#places ::-p-xpath(.//button[starts-with(., "Write into a folder")])'));
    assert.equal(offersFolder, isChromium, "of these, Chromium alone can write to a folder that somebody has chosen");
  });

  test("into a folder: one that the browser hands out, because no test can click its chooser", async () => {
    if (!isChromium && !isFirefox) return; // WebKit has no chooser
    const server = await served();
    const page = await open(given.session.browser, { address: isChromium ? server.address : undefined });
    try {
      await page.evaluate(() => (globalThis.showDirectoryPicker = () => navigator.storage.getDirectory()));
      await opened(page);
      await giveData(page, join(DATA, "archive"));
      await page.waitForSelector("#places .files");
      for (const time of [1, 2]) {
        await press(page, "Write into a folder …", "#places");
        await page.waitForFunction((name) => document.querySelector("#places .outcome")?.innerText.includes(name), {}, time === 1 ? "photos-drawer-2026-11-03”" : "photos-drawer-2026-11-03 (2)”");
      }
      const last = whole(expected.archive[Object.keys(expected.archive).sort()[2]]);
      const found = await page.evaluate(readAll, "photos-drawer-2026-11-03 (2)");
      const isFile = ([, content]) => content !== "/" && !content.startsWith("->");
      const files = Object.entries(last).filter((entry) => isFile(entry) && /^[\x20-\x7e]*$/.test(entry[0]) && !/[*:?|<>"\\~]/.test(entry[0]) && !/[ .](\/|$)/.test(entry[0]));
      assert.ok(files.length > 20);
      for (const [path, content] of files) assert.equal(found[path], content, path);
      assert.equal(Object.keys(found).length, Object.entries(last).filter(isFile).length);
      await screenshot(page, "18-folder");
      assert.deepEqual(page.failures, []);
    } finally {
      await page.close();
      server.end();
    }
  });

  test("a repository of restic comes back, and a plain copy is shown as what it is", async () => {
    const { page } = given;
    await opened();
    const start = performance.now();
    await giveData(page, join(DATA, "repository"));
    await page.waitForSelector("#places .files");
    assert.match(await textOf(page, "#places"), /photos\/shelf · repository of restic/);
    await screenshot(page, "19-repository");
    const file = await saved("Save as zip files");
    await page.waitForSelector("#places .outcome .fine");
    console.log(`from the repository to the last file: ${Math.round(performance.now() - start)} ms`);
    assert.deepEqual(unzipped(file), whole(Object.values(expected.repository).at(-1)));
    await giveData(page, join(DATA, "repository-1"));
    await page.waitForSelector("#places section:first-child .files");
    assert.deepEqual(unzipped(await saved("Save as zip files")), whole(Object.values(expected.repository_1)[0]));
    await giveData(page, join(DATA, "tree"));
    assert.match(await textOf(page, ".place-tree"), /it is the newest version:\s*tree\/versions\/2026-11-01T06-00-00Z/);
    await screenshot(page, "20-places");
    assert.deepEqual(await seriousFindings(page), []);
  });
}

/** The files below a folder of the browser's own, with their hashes; runs in the page. */
async function readAll(name) {
  const found = {};
  const walk = async (folder, path) => {
    for await (const [name, handle] of folder.entries()) {
      if (handle.kind === "directory") await walk(handle, `${path}${name}/`);
      else {
        const hash = await crypto.subtle.digest("SHA-256", await (await handle.getFile()).arrayBuffer());
        found[path + name] = [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
      }
    }
  };
  await walk(await (await navigator.storage.getDirectory()).getDirectoryHandle(name), "");
  return found;
}
