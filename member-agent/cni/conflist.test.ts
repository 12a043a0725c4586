import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { CONFLIST, DEFAULT_SOCKET, installConflist, removeConflist } from "./conflist.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "trestle-net.d-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const read = (): Promise<string> => readFile(path.join(folder, CONFLIST), "utf8");

test("a runtime finds a network list that names the plugin, and may read it", async () => {
  await installConflist(folder, DEFAULT_SOCKET);
  expect(JSON.parse(await read())).toMatchObject({
    cniVersion: "1.0.0",
    name: "trestle",
    plugins: [{ type: "trestle-cni" }],
  });
  expect((await stat(path.join(folder, CONFLIST))).mode & 0o777).toBe(0o644);
  expect(await readdir(folder)).toEqual([CONFLIST]);
});

test("where the agent is asked at another socket than the plugin's own, the list says so", async () => {
  const plugins = async (): Promise<unknown> => (JSON.parse(await read()) as { plugins: unknown }).plugins;
  await installConflist(folder, "/run/other.sock");
  expect(await plugins()).toEqual([{ type: "trestle-cni", socket: "/run/other.sock" }]);
  await installConflist(folder, DEFAULT_SOCKET);
  expect(await plugins()).toEqual([{ type: "trestle-cni" }]);
  const source = await readFile(path.join(import.meta.dirname, "forwarder.c"), "utf8");
  expect(source).toContain(`#define SOCKET "${DEFAULT_SOCKET}"`);
});

test("the folder is made where there is none, and a file that says the same is left as it is", async () => {
  const made = path.join(folder, "cni", "net.d");
  await installConflist(made, DEFAULT_SOCKET);
  const before = (await stat(path.join(made, CONFLIST))).ino;
  await installConflist(made, DEFAULT_SOCKET);
  expect((await stat(path.join(made, CONFLIST))).ino).toBe(before);
});

test("whoever reads at any moment reads a whole list, the old one or the new one", async () => {
  const old = JSON.stringify({ cniVersion: "1.0.0", name: "old", plugins: [] });
  const seen = new Set<string>();
  let isOver = false;
  await writeFile(path.join(folder, CONFLIST), old);
  const reader = (async () => {
    while (!isOver) seen.add((JSON.parse(await read()) as { name: string }).name);
  })();
  for (let n = 0; n < 50; n += 1) {
    await installConflist(folder, DEFAULT_SOCKET);
    // Another list, as whole as ours, in whose place ours comes again.
    await writeFile(path.join(folder, "draft"), old);
    await rename(path.join(folder, "draft"), path.join(folder, CONFLIST));
  }
  isOver = true;
  await reader;
  expect([...seen].toSorted()).toEqual(["old", "trestle"]);
});

test("removing it leaves nothing of ours, not even what a killed agent had begun, and others' files", async () => {
  await installConflist(folder, DEFAULT_SOCKET);
  await writeFile(path.join(folder, `${CONFLIST}.new`), "half");
  await writeFile(path.join(folder, "10-other.conflist"), "{}");
  await removeConflist(folder);
  await removeConflist(folder);
  expect(await readdir(folder)).toEqual(["10-other.conflist"]);
});

test("where it can't be written the reason is told, and what was there stays whole", async () => {
  await writeFile(path.join(folder, CONFLIST), "{}");
  await mkdir(path.join(folder, `${CONFLIST}.new`));
  await expect(installConflist(folder, DEFAULT_SOCKET)).rejects.toMatchObject({
    code: "conflist-unwritable",
    retry: true,
  });
  expect(await read()).toBe("{}");
  const file = path.join(folder, "file");
  await writeFile(file, "");
  await expect(installConflist(path.join(file, "net.d"), DEFAULT_SOCKET)).rejects.toMatchObject({
    code: "conflist-unwritable",
  });
});
