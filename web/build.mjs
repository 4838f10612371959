/** Writes recover.html, the same bytes from the same sources: `node build.mjs [FILE]`. */

import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { transform } from "esbuild";
import { bundle } from "./bundle.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const PAGE = join(here, "../paraduxd/keeper/kits/documents/data/recover.html");
const DOCUMENT = join(here, "../docs/development/recover-page.md");
const LARGEST = 500_000;

process.chdir(here);
const { text: script, names } = await bundle("src/main.ts", { format: "iife", minify: true });
const { code: style } = await transform(read("src/page.css"), { loader: "css", minify: true });
const page = fill(read("src/page.html"), {
  policy: policy({ script, style }),
  style,
  script,
  licences: names.map(licence).join(""),
  gpl: escaped(read("licences/GPL-3.txt")),
});
if (Buffer.byteLength(page) > LARGEST) throw new Error(`the page has ${Buffer.byteLength(page)} bytes; at most ${LARGEST} are allowed`);
writeFileSync(process.argv[2] ?? PAGE, page);
if (!process.argv[2]) writeFileSync(DOCUMENT, readFileSync(DOCUMENT, "utf8").replace(/^ {4}[0-9a-f]{64}$/m, `    ${hash("hex", page)}`));

/** Nothing is loaded from anywhere, and no script runs but this one. */
function policy({ script, style }) {
  const rules = {
    "default-src": "'none'",
    "script-src": `'sha256-${hash("base64", script)}'`,
    "style-src": `'sha256-${hash("base64", style)}'`,
    "img-src": "blob: data:",
    "worker-src": "blob:",
    "base-uri": "'none'",
    "form-action": "'none'",
  };
  return Object.entries(rules).map((rule) => rule.join(" ")).join("; ");
}

function hash(encoding, text) {
  return createHash("sha256").update(text).digest(encoding);
}

function licence(name) {
  const { version, license, homepage, author } = JSON.parse(read(`node_modules/${name}/package.json`));
  const file = { qr: "LICENSE-MIT" }[name] ?? "LICENSE";
  const by = typeof author === "object" ? author.name : (author ?? "");
  const title = [`${name} ${version}`, by, license, homepage].filter(Boolean).join(" · ");
  return `<details><summary>${escaped(title)}</summary><pre>${escaped(read(`node_modules/${name}/${file}`).trim())}</pre></details>\n`;
}

function fill(template, values) {
  const page = template.replace(/\{\{(\w+)\}\}/g, (_, name) => values[name]);
  if (script.includes("</script") || style.includes("</style")) throw new Error("the script ends too early");
  return page;
}

function escaped(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

function read(name) {
  return readFileSync(join(here, name), "utf8");
}
