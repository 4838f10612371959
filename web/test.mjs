/** Bundles tests/*.test.ts as the page is bundled, and runs them: `node test.mjs`. */

import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundle } from "./bundle.mjs";

const here = dirname(fileURLToPath(import.meta.url));
process.chdir(here);
const folder = mkdtempSync(join(tmpdir(), "paradux-web-"));
try {
  const names = readdirSync("tests").filter((name) => name.endsWith(".test.ts")).sort();
  const files = [];
  for (const name of names) {
    const { text } = await bundle(join("tests", name), { format: "esm", platform: "node" });
    files.push(join(folder, name.replace(/ts$/, "mjs")));
    writeFileSync(files.at(-1), text);
  }
  const environment = { ...process.env, PARADUX_ROOT: join(here, "..") };
  const { status } = spawnSync(process.execPath, ["--test", "--test-reporter=spec", ...files], { stdio: "inherit", env: environment });
  process.exitCode = status ?? 1;
} finally {
  rmSync(folder, { recursive: true });
}
