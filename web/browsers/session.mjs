/** A real browser with recover.html open from a file, and what a person does with it. */

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, watch } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:net";
import { createSocket } from "node:dgram";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import puppeteer from "puppeteer-core";
import { launch as launchWebKit } from "./webkit.mjs";

export const BROWSER = process.env.PARADUX_BROWSER;
export const MATERIAL = process.env.PARADUX_MATERIAL;
export const PAGE = process.env.PARADUX_PAGE;
const SCREENS = process.env.PARADUX_SCREENS;
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export const isChromium = BROWSER === "chrome";
export const isFirefox = BROWSER === "firefox";

const CAMERA = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", `--use-file-for-fake-video-capture=${join(MATERIAL, "camera.y4m")}`];
const ARGUMENTS = {
  chrome: [...CAMERA, "--no-sandbox", "--lang=en-US", "--disable-background-networking", "--no-first-run"],
  firefox: [],
};

/** A program that says what is in a zip: path (each byte a character) to hash. */
export const UNZIP = `
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

/** Everything that a test needs, closed at the end. */
export async function begin() {
  const home = mkdtempSync(join(tmpdir(), "paradux-browser-"));
  const downloads = join(home, "downloads");
  mkdirSync(downloads);
  const browser = BROWSER === "webkit" ? await launchWebKit(home, downloads) : await launch(home, downloads);
  return {
    browser,
    downloads,
    scratch: home,
    end: async () => {
      await browser.close();
      rmSync(home, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

function launch(home, downloads) {
  return puppeteer.launch({
    browser: BROWSER,
    executablePath: { chrome: "/usr/bin/chromium", firefox: "/usr/bin/firefox-esr" }[BROWSER],
    headless: true,
    userDataDir: join(home, "profile"),
    args: ARGUMENTS[BROWSER],
    downloadBehavior: isChromium ? { policy: "allow", downloadPath: downloads } : undefined,
    extraPrefsFirefox: { "intl.accept_languages": "en-US", "media.navigator.streams.fake": true, "media.navigator.permission.disabled": true, "browser.download.folderList": 2, "browser.download.dir": downloads, "browser.download.always_ask_before_handling_new_types": false },
    env: { ...process.env, HOME: home },
  });
}

/** A fresh page; fails the test when a script of it fails. */
export async function open(browser, { width = 1200, height = 900, address = `file://${PAGE}` } = {}) {
  const page = await browser.newPage();
  page.failures = [];
  page.on("pageerror", (error) => page.failures.push(String(error)));
  page.setDefaultTimeout?.(120_000); // on a machine that is busy
  await page.setViewport({ width, height });
  await page.goto(address);
  await page.waitForSelector("#language");
  return page;
}

/** The page from a server on loopback: there Chromium has a folder of its own to hand out, which it has not for a file. */
export async function served() {
  const server = createHttpServer((_, answer) => answer.setHeader("Content-Type", "text/html").end(readFileSync(PAGE)));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { address: `http://127.0.0.1:${server.address().port}/`, end: () => (server.close(), server.closeAllConnections()) };
}

/** Let the page have something, and wait until it has read and judged it. */
async function given(page, give) {
  await page.evaluate(() => {
    globalThis.judged = new Promise((resolve) => new MutationObserver(resolve).observe(document.querySelector("#found"), { childList: true }));
  });
  await give();
  await page.evaluate(() => globalThis.judged.then(() => {}));
  await page.waitForFunction(() => document.querySelector(".busy").textContent === "");
}

/** Give the page a folder, as its chooser does; Firefox cannot be handed a folder, so it gets the files. */
export async function giveKit(page, folder) {
  if (!isChromium) return giveFiles(page, ...filesOf(folder));
  return given(page, async () => (await page.$("#folder")).uploadFile(folder));
}

/** Drop something on the page, as a file manager does; only Chromium can be told to. */
export async function drop(page, path) {
  const client = await page.createCDPSession();
  const field = await page.$(".drop");
  await field.scrollIntoView();
  const { x, y } = await field.clickablePoint();
  await given(page, async () => {
    for (const type of ["dragEnter", "dragOver", "drop"]) {
      await client.send("Input.dispatchDragEvent", { type, x, y, data: { items: [], files: [path], dragOperationsMask: 1 } });
    }
  });
}

/** Press a button, and choose this in the window that it opens. */
export async function choose(page, button, ...paths) {
  await given(page, async () => {
    const [chooser] = await Promise.all([page.waitForFileChooser(), press(page, button)]);
    await chooser.accept(paths);
  });
}

export async function giveFiles(page, ...files) {
  await given(page, async () => (await page.$("#files")).uploadFile(...files));
}

function filesOf(folder) {
  return ["share.txt", "kit.json", "kit.json.asc", "config.gpg", "recovery-key.asc"].map((name) => join(folder, name));
}

/**
 * Give the page, once it is open, a folder with data, and wait until all of it is shown. Only Chromium can be handed a folder as such; the others get
 * its files, which are told below which folder they lie (that is what the chooser of folders would have told) where it has folders of its own.
 */
export async function giveData(page, folder) {
  const before = await page.$$eval("#places > section", (all) => all.length);
  if (isChromium) await (await page.$("#data-folder")).uploadFile(folder);
  else {
    const names = readdirSync(folder, { recursive: true }).filter((name) => statSync(join(folder, name)).isFile());
    if (names.some((name) => name.includes("/"))) await page.evaluate(tellFolders, names.map((name) => `${basename(folder)}/${name}`));
    await (await page.$("#data-files")).uploadFile(...names.map((name) => join(folder, name)));
  }
  await page.waitForFunction((count) => document.querySelectorAll("#places > section").length > count && document.querySelector("#restore .busy").textContent === "", {}, before);
}

/** Runs in the page: the files that are chosen next lie at these paths. */
function tellFolders(paths) {
  const tell = ({ target }) => [...target.files].forEach((file, place) => Object.defineProperty(file, "webkitRelativePath", { value: paths[place] }));
  document.querySelector("#data-files").parentElement.addEventListener("change", tell, { capture: true, once: true });
}

/** The file that the browser saves when this is done; it is taken away from there. */
export async function downloaded(folder, action) {
  const controller = new AbortController();
  const before = new Set(readdirSync(folder));
  const whole = new Promise((resolve) => {
    watch(folder, { signal: controller.signal }, () => {
      const names = readdirSync(folder).filter((name) => !name.startsWith(".") && !before.has(name));
      const [name, another] = names;
      if (name && !another && !/\.(part|crdownload|tmp|wkdownload)$/.test(name) && statSync(join(folder, name)).size > 0) resolve(join(folder, name));
    });
  });
  try {
    await action();
    return await whole;
  } finally {
    controller.abort();
  }
}

export async function textOf(page, selector) {
  return page.$eval(selector, (element) => element.innerText);
}

/** Press the button that brings words in, and wait until they are judged. */
export async function useWords(page, text) {
  await given(page, () => press(page, text));
}

/** Real clicks on the button with this text. */
export async function press(page, text, within = "body") {
  const button = await page.waitForSelector(`${within} ::-p-xpath(.//button[normalize-space(translate(., "\u00a0", " "))="${text}"])`);
  await button.scrollIntoView();
  await button.click();
}

export async function screenshot(page, name) {
  if (SCREENS) await page.screenshot({ path: join(SCREENS, `${BROWSER}-${name}.png`), fullPage: true });
}

/** What axe-core finds that is serious or worse. */
export async function seriousFindings(page) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`);
}

/** A server that counts what reaches it, by TCP and by UDP. */
export async function counter() {
  let count = 0;
  const tcp = createServer((socket) => {
    count += 1;
    socket.on("error", () => {});
    socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
  });
  const udp = createSocket("udp4").on("message", () => (count += 1));
  await new Promise((resolve) => tcp.listen(0, "127.0.0.1", resolve));
  const { port } = tcp.address();
  await new Promise((resolve) => udp.bind(port, "127.0.0.1", resolve));
  return {
    port,
    count: () => count,
    end: () => {
      tcp.close();
      udp.close();
    },
  };
}
