import { build } from "esbuild";
import type { Plugin } from "esbuild";
import { chmodSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";

/**
 * Bundles `cli/main.ts` and all it may load into one folder. What is imported lazily stays in files of its own, so that an
 * agent does not load the hub; see docs/adr/0014-one-file-daemons.md.
 */
const root = path.join(import.meta.dirname, "..");
const [folder = path.join(root, "dist")] = process.argv.slice(2);
const outdir = path.resolve(folder);

/** CommonJS packages in an ES module: they call `require`, and look beside themselves. */
const BANNER = `import { createRequire as $createRequire } from "node:module";
const require = $createRequire(import.meta.url);
const __dirname = import.meta.dirname;
const __filename = import.meta.filename;`;

/** A module of ours that looks for a file beside itself finds it where it was before it was bundled. */
const ownPlaces: Plugin = {
  name: "own-places",
  setup: ({ onLoad }) => {
    onLoad({ filter: /\.ts$/ }, ({ path: file }) => {
      const text = readFileSync(file, "utf8");
      if (file.includes("node_modules") || !text.includes("import.meta.")) return undefined;
      const from = path.relative(outdir, file);
      const contents = text
        .replaceAll("import.meta.url", `new URL(${JSON.stringify(from)}, import.meta.url).href`)
        .replaceAll("import.meta.dirname", `(import.meta.dirname + ${JSON.stringify(`/${path.dirname(from)}`)})`);
      return { contents, loader: "ts" };
    });
  },
};

/** Zod carries its messages in fifty languages, and every process would keep them; ours are in one. */
const oneLanguage: Plugin = {
  name: "one-language",
  setup: ({ onResolve }) => {
    onResolve({ filter: /\/locales\/index\.js$/ }, ({ resolveDir }) => ({
      path: path.join(resolveDir, "../locales/en.js"),
    }));
  },
};

/**
 * An agent lives on every machine beside what that is for, and does little: V8 shall collect rather than grow. It keeps a
 * third of the memory it would take of 1,000 linked clusters.
 */
const LAUNCHER = `#!/bin/sh
# Runs the bundled CLI with the Node that npm installed, or the machine's own.
here=$(dirname "$(readlink -f "$0")")
node=$here/../node_modules/.bin/node
[ -x "$node" ] || node=node
small=
[ "\${1-}" != agent ] || small=--optimize-for-size
exec "$node" $small "$here/main.js" "$@"
`;

rmSync(outdir, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: ["cli/main.ts"],
  outdir,
  bundle: true,
  splitting: true,
  chunkNames: "[name]-[hash]",
  platform: "node",
  format: "esm",
  target: "node24",
  banner: { js: BANNER },
  plugins: [ownPlaces, oneLanguage],
  logLevel: "warning",
});
// Node reads the nearest package.json to know what a .js file is.
writeFileSync(path.join(outdir, "package.json"), `${JSON.stringify({ type: "module" })}\n`);
writeFileSync(path.join(outdir, "trestle"), LAUNCHER);
chmodSync(path.join(outdir, "trestle"), 0o755);
