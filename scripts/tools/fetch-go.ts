import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { filesOfZip } from "./zip.ts";

/** The version of Go and, by Node's name of an architecture, the digest of its archive. */
interface Pin {
  readonly version: string;
  readonly sha256: Readonly<Record<string, string>>;
}

const LIMIT_MS = 10 * 60_000;
const GO_ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };

async function download(pin: Pin): Promise<Buffer> {
  const platform = `${process.platform}-${GO_ARCHITECTURES[process.arch] ?? process.arch}`;
  const url = `https://proxy.golang.org/golang.org/toolchain/@v/v0.0.1-go${pin.version}.${platform}.zip`;
  const wanted = pin.sha256[process.arch];
  if (wanted === undefined || process.platform !== "linux") throw new Error(`no Go is pinned for ${platform}`);
  const answer = await fetch(url, { signal: AbortSignal.timeout(LIMIT_MS) });
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${answer.statusText}`);
  const archive = Buffer.from(await answer.arrayBuffer());
  const found = createHash("sha256").update(archive).digest("hex");
  if (found !== wanted) throw new Error(`${url}: its SHA-256 is ${found}, go-toolchain.json says ${wanted}`);
  return archive;
}

/** Paths start with the module's name and version; a module can't hold go.mod files, so the proxy has them as _go.mod. */
function placeOf(file: string, folder: string): string {
  const inside = file.split("/").slice(2).join("/");
  return path.join(folder, inside.replace(/(^|\/)_go\.mod$/, "$1go.mod"));
}

// `fetch-go.ts FOLDER` puts the Go toolchain that go-toolchain.json pins into FOLDER, for a machine that has none. It comes
// from the Go module proxy, where Go itself takes toolchains from, in the form described at https://go.dev/ref/mod.
const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("usage: fetch-go.ts FOLDER");
const pin = JSON.parse(readFileSync(path.join(import.meta.dirname, "go-toolchain.json"), "utf8")) as Pin;
for (const file of filesOfZip(await download(pin))) {
  const target = placeOf(file.path, folder);
  mkdirSync(path.dirname(target), { recursive: true });
  writeFileSync(target, file.read(), { mode: file.mode });
}
