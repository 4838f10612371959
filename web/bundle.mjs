/** How the sources become one script; for the page and for the tests alike. */

import { build } from "esbuild";

/** Parts of OpenPGP.js that no key, message or signature of Paradux needs. */
const LEFT_OUT = /(noble_curves|argon2id|legacy_ciphers|unbzip2-stream)\.min\.mjs$/;

const without = {
  name: "leave out",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: LEFT_OUT }, ({ path }) => ({ path, namespace: "left-out" }));
    onLoad({ filter: /.*/, namespace: "left-out" }, () => ({ contents: "export default null;" }));
  },
};

/** The text of the script that begins with this file; `names` are the bundled packages. */
export async function bundle(entry, options) {
  const made = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    metafile: true,
    target: "es2020",
    charset: "utf8",
    conditions: ["browser"],
    loader: { ".txt": "text" },
    legalComments: "none",
    plugins: [without],
    logLevel: "warning",
    ...options,
  });
  const inputs = Object.keys(made.metafile.inputs);
  const names = inputs.flatMap((path) => path.match(/node_modules\/((?:@[^/]+\/)?[^/]+)\//)?.[1] ?? []);
  return { text: made.outputFiles[0].text, names: [...new Set(names)].sort() };
}
