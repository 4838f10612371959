/** node browsers/look.mjs PAGE...: what axe-core finds, how wide the page becomes, and what it tried to load, at desk and phone width; as JSON. */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import puppeteer from "puppeteer-core";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const SCREENS = process.env.PARADUX_SCREENS;
const WIDTHS = [1200, 390];

const home = mkdtempSync(join(tmpdir(), "paradux-browser-"));
const browser = await puppeteer.launch({
  browser: "chrome",
  executablePath: "/usr/bin/chromium",
  userDataDir: join(home, "profile"),
  args: ["--no-sandbox", "--lang=en-US", "--disable-background-networking", "--no-first-run"],
  env: { ...process.env, HOME: home },
});
const found = [];
for (const [number, file] of process.argv.slice(2).entries()) {
  for (const width of WIDTHS) {
    const page = await browser.newPage();
    const loaded = [];
    page.on("request", (request) => loaded.push(request.url()));
    await page.setBypassCSP(true); // axe-core is a script
    await page.setViewport({ width, height: 900 });
    await page.goto(`file://${file}`);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    if (SCREENS) await page.screenshot({ path: join(SCREENS, `${number}-${width}.png`), fullPage: true });
    await page.evaluate(AXE);
    const violations = await page.evaluate(async () => (await axe.run()).violations.map((each) => `${each.id}: ${each.nodes[0].html}`));
    found.push({ file, width, wide, violations, loaded });
    await page.close();
  }
}
await browser.close();
rmSync(home, { recursive: true, force: true, maxRetries: 5 });
console.log(JSON.stringify(found));
