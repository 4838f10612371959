/** A large archive once: every byte comes back, and memory stays bounded. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { begin, downloaded, giveData, giveKit, MATERIAL, open, press, UNZIP } from "./session.mjs";

const MOST_MEMORY = Number(process.env.PARADUX_MOST_MEMORY);
const expected = JSON.parse(readFileSync(join(MATERIAL, "large.json"), "utf8"));

let session;
before(async () => (session = await begin()));
after(async () => session.end());

test("a large archive comes back as a zip", async () => {
  const page = await open(session.browser);
  for (const name of ["alice", "boeb", "carol"]) await giveKit(page, join(MATERIAL, "kits", name, "PARADUX"));
  await page.waitForSelector("#restore");
  const before = memory();
  const peak = watching();
  const start = performance.now();
  await giveData(page, join(MATERIAL, "large"));
  await page.waitForSelector("#places .files");
  const file = await downloaded(session.downloads, () => press(page, "Save as zip files", "#places"));
  await page.waitForSelector("#places .outcome .fine");
  const most = peak();
  console.log(`${Math.round(performance.now() - start)} ms; memory ${before} MB before, ${most} MB at most`);
  const found = JSON.parse(execFileSync("python3", ["-c", UNZIP, file], { encoding: "utf8", maxBuffer: 1 << 26 }));
  rmSync(file);
  assert.deepEqual(found, expected);
  assert.ok(most - before < MOST_MEMORY, `${most - before} MB more`);
});

/** Megabytes of all processes of the browser together, shared pages counted once. */
function memory() {
  let sum = 0;
  for (const id of family(session.browser.process().pid)) {
    try {
      sum += Number(/^Pss: +(\d+)/m.exec(readFileSync(`/proc/${id}/smaps_rollup`, "utf8"))?.[1] ?? 0);
    } catch {
      // it has just ended
    }
  }
  return Math.round(sum / 1024);
}

function family(root) {
  const parents = new Map();
  for (const id of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      parents.set(Number(id), Number(readFileSync(`/proc/${id}/stat`, "utf8").replace(/^.*\)/s, "").split(" ")[2]));
    } catch {
      // likewise
    }
  }
  const found = new Set([root]);
  for (let size = 0; size !== found.size; ) {
    size = found.size;
    for (const [id, parent] of parents) if (found.has(parent)) found.add(id);
  }
  return found;
}

function watching() {
  let most = 0;
  const timer = setInterval(() => (most = Math.max(most, memory())), 250);
  return () => (clearInterval(timer), most);
}
