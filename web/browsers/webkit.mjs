/**
 * WebKitGTK (the engine of Safari, as Debian has it) by WebDriver, on a screen of its own: as much of Puppeteer's browsers and pages as the
 * tests use. https://www.w3.org/TR/webdriver2/
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";

const LIBRARIES = "/usr/lib";
const ELEMENT = "element-6066-11e4-a52e-4f735466cecf";
const KEYS = { Tab: "\uE004", Enter: "\uE007", Space: " " };
const PATIENCE = 120_000; // milliseconds until what a test waits for must have come, on a machine that is busy
const WITH_US = ["--pdeathsig", "KILL", "--"]; // a test that is killed leaves nothing behind

/** A browser whose files lie in `home`; what it saves goes to `downloads`. */
export async function launch(home, downloads) {
  const screen = spawn("setpriv", [...WITH_US, "Xvfb", "-displayfd", "3", "-screen", "0", "1400x1100x24", "-nolisten", "tcp", "-noreset"], { stdio: ["ignore", "ignore", "ignore", "pipe"] });
  const [number] = await once(screen.stdio[3], "data");
  const port = await freePort();
  const env = {
    PATH: process.env.PATH,
    HOME: downloads, // where it saves when nobody has chosen a folder
    XDG_RUNTIME_DIR: home,
    DISPLAY: `:${String(number).trim()}`,
    LANG: "C.UTF-8",
    NO_AT_BRIDGE: "1",
    LIBGL_ALWAYS_SOFTWARE: "1",
    WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: "1", // tests run as root, and in containers
  };
  const server = spawn("setpriv", [...WITH_US, "WebKitWebDriver", `--port=${port}`], { env, stdio: "ignore", detached: true });
  const end = () => {
    process.kill(-server.pid);
    screen.kill();
  };
  try {
    const address = `http://127.0.0.1:${port}`;
    for (let ready = false; !ready && server.exitCode === null; ) ready = await fetch(`${address}/status`).then((answer) => answer.ok, () => pause(50).then(() => false));
    const { sessionId } = await ask(address, "POST", "/session", { capabilities: { alwaysMatch: { "webkitgtk:browserOptions": { binary: miniBrowser(), args: ["--automation"] } } } });
    return new Browser(`${address}/session/${sessionId}`, server, end);
  } catch (problem) {
    end();
    throw problem;
  }
}

/** The small browser that comes with the engine, for GTK 3 or 4. */
function miniBrowser() {
  const folders = readdirSync(LIBRARIES).filter((name) => name.endsWith("-linux-gnu")).map((name) => join(LIBRARIES, name));
  const found = folders.flatMap((folder) => readdirSync(folder).filter((name) => /^webkit2?gtk-/.test(name)).map((name) => join(folder, name, "MiniBrowser")));
  return found.filter((path) => existsSync(path)).sort()[0];
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  return port;
}

function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

async function ask(base, method, path, body) {
  const answer = await fetch(base + path, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  const { value } = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(`${value.error}: ${value.message}`), { code: value.error });
  return value;
}

class Browser {
  /** The page that commands go to, and the window that is there from the start and stays empty. */
  current = null;
  first = "";

  constructor(session, server, end) {
    this.session = session;
    this.process = () => server;
    this.endServer = end;
  }

  ask(method, path, body) {
    return ask(this.session, method, path, body);
  }

  async newPage() {
    if (!this.first) {
      await this.ask("POST", "/timeouts", { script: 2 * PATIENCE });
      this.first = await this.ask("GET", "/window");
    }
    const { handle } = await this.ask("POST", "/window/new", { type: "window" });
    return new Page(this, handle);
  }

  async close() {
    await this.ask("DELETE", "").catch(() => undefined);
    this.endServer();
  }
}

class Page {
  keyboard = { press: (key) => this.pressKey(KEYS[key]) };
  heard = () => undefined;

  constructor(browser, handle) {
    this.browser = browser;
    this.handle = handle;
  }

  /** A command of WebDriver to this page's window. */
  async ask(method, path, body) {
    if (this.browser.current !== this) await this.browser.ask("POST", "/window", { handle: this.handle });
    this.browser.current = this;
    return this.browser.ask(method, path, body);
  }

  /** Failures of scripts; those from before the page was there show in what it does not show. */
  on(_, listener) {
    this.heard = listener;
  }

  removeAllListeners() {
    this.heard = () => undefined;
  }

  async goto(url) {
    await this.ask("POST", "/url", { url });
    await this.evaluate(() => {
      globalThis.failures = [];
      addEventListener("error", ({ message }) => globalThis.failures.push(message));
      addEventListener("unhandledrejection", ({ reason }) => globalThis.failures.push(String(reason)));
    });
  }

  async close() {
    for (const failure of (await this.evaluate(() => globalThis.failures)) ?? []) this.heard(failure);
    await this.ask("DELETE", "/window");
    this.browser.current = null;
    await this.browser.ask("POST", "/window", { handle: this.browser.first });
  }

  /** Run a function (or a text) in the page, and await what it gives. */
  async evaluate(script, ...given) {
    if (typeof script === "string") return this.ask("POST", "/execute/sync", { script, args: [] });
    const text = `const done = arguments[1]; Promise.resolve().then(() => (${script})(...arguments[0])).then((value) => done([true, value]), (problem) => done([false, String(problem?.stack ?? problem)]));`;
    const [good, value] = await this.ask("POST", "/execute/async", { script: text, args: [given] });
    if (!good) throw new Error(value);
    return value;
  }

  async element(script, ...given) {
    const text = `const done = arguments[1]; Promise.resolve().then(() => (${script})(...arguments[0])).then(done, () => done(null));`;
    const found = await this.ask("POST", "/execute/async", { script: text, args: [given] });
    return found && new Handle(this, found[ELEMENT]);
  }

  $(selector) {
    return this.element(find, selector);
  }

  async $$(selector) {
    return this.evaluate((wanted) => Array.from(document.querySelectorAll(wanted), () => null), selector);
  }

  $eval(selector, script, ...given) {
    return this.apply((wanted, run, rest) => run(document.querySelector(wanted), ...rest), selector, script, given);
  }

  $$eval(selector, script, ...given) {
    return this.apply((wanted, run, rest) => run([...document.querySelectorAll(wanted)], ...rest), selector, script, given);
  }

  apply(outer, selector, script, given) {
    const text = `const done = arguments[1]; Promise.resolve().then(() => (${outer})(arguments[0][0], (${script}), arguments[0][1])).then((value) => done([true, value]), (problem) => done([false, String(problem)]));`;
    return this.ask("POST", "/execute/async", { script: text, args: [[selector, given]] }).then(([good, value]) => {
      if (!good) throw new Error(value);
      return value;
    });
  }

  async waitForSelector(selector) {
    await this.wait(find, selector);
    return this.$(selector);
  }

  waitForFunction(script, _options, ...given) {
    return this.wait(script, ...given);
  }

  async wait(script, ...given) {
    const end = Date.now() + PATIENCE;
    const text = `const done = arguments[1]; const end = ${end}; const look = () => { try { if ((${script})(...arguments[0])) return done(true); } catch (problem) { return done(String(problem)); } if (Date.now() > end) return done(false); setTimeout(look, 20); }; look();`;
    const came = await this.ask("POST", "/execute/async", { script: text, args: [given] });
    if (came !== true) throw new Error(came || `this never came: ${script} ${given.join()}`);
  }

  async click(selector) {
    await (await this.$(selector)).click();
  }

  async type(selector, text) {
    await (await this.$(selector)).type(text);
  }

  select(selector, value) {
    return this.$eval(selector, (field, wanted) => {
      field.value = wanted;
      field.dispatchEvent(new Event("change", { bubbles: true }));
    }, value);
  }

  async pressKey(value) {
    const actions = ["keyDown", "keyUp"].map((type) => ({ type, value }));
    await this.ask("POST", "/actions", { actions: [{ type: "key", id: "keyboard", actions }] });
  }

  title() {
    return this.ask("GET", "/title");
  }

  content() {
    return this.evaluate(() => document.documentElement.outerHTML);
  }

  /** As near to it as the window with its bar of buttons allows: not narrower than 447 points. */
  async setViewport({ width, height }) {
    await this.ask("POST", "/window/rect", { width, height });
  }

  async screenshot({ path }) {
    const whole = await this.$("html");
    writeFileSync(path, Buffer.from(await this.ask("GET", `/element/${whole.id}/screenshot`), "base64"));
  }
}

/** Runs in the page: the element of this selector, which may end in an XPath as Puppeteer writes it. */
function find(selector) {
  const [, within, path] = /^(.*?)\s*::-p-xpath\((.*)\)$/s.exec(selector) ?? [null, selector];
  if (path === undefined) return document.querySelector(selector);
  for (const start of document.querySelectorAll(within)) {
    const found = document.evaluate(path, start, null, XPathResult.FIRST_ORDERED_NODE_TYPE, null).singleNodeValue;
    if (found) return found;
  }
  return null;
}

class Handle {
  constructor(page, id) {
    this.page = page;
    this.id = id;
  }

  async click() {
    await this.page.ask("POST", `/element/${this.id}/click`, {});
  }

  async scrollIntoView() {
    await this.page.ask("POST", "/execute/sync", { script: "arguments[0].scrollIntoView({ block: 'center' })", args: [{ [ELEMENT]: this.id }] });
  }

  async type(text) {
    await this.page.ask("POST", `/element/${this.id}/value`, { text });
  }

  /** Files, not folders. */
  async uploadFile(...paths) {
    await this.type(paths.join("\n"));
  }
}
