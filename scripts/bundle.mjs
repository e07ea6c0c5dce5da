import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const COMPILED = join(dirname(fileURLToPath(import.meta.url)), "../dist");
/** What every daemon loads. Others stay packages: many are loaded on demand only, by their names. */
const LOADED_ALWAYS = /^(@bufbuild\/protobuf|commander|fflate|re2js|yaml)(\/|$)/;
const ENTRIES = ["src/cli/main", "src/index", "certs/cli/main", "certs/index"];

/**
 * Writes what was compiled into a folder, in as few files as loading on demand allows, under the paths that package.json names: a module of its own costs a daemon
 * six kilobytes, and a command a tenth of a millisecond.
 */
export async function bundle(folder) {
  const made = await rolldown({
    cwd: COMPILED,
    input: Object.fromEntries(ENTRIES.map((entry) => [entry, `./${entry}.js`])),
    platform: "node",
    external: (name) => !/^[./]/.test(name) && !LOADED_ALWAYS.test(name),
  });
  await made.write({
    dir: folder,
    format: "esm",
    entryFileNames: "[name].js",
    chunkFileNames: "chunks/[name]-[hash].js",
    // A daemon keeps the text of its programs in memory.
    comments: { legal: true, annotation: false, jsdoc: false },
  });
}
