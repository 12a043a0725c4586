import { expect, test } from "@jest/globals";
import { appendFile, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { runner } from "../../platform/run.ts";
import { openStateFolder } from "../../platform/state-folder.ts";
import type { StateFolder } from "../../platform/state-folder.ts";
import { silent, withFolder } from "../testing/folder.ts";
import type { Binding } from "./binding.ts";
import { AddressBook } from "./book.ts";

const JOURNAL = "ipam.journal";

const podOf = (name: string) => ({ namespace: "shop", name, uid: `uid-${name}` });
const bindingOf = (address: string, sandbox: string): Binding => ({
  address,
  subnet: "pods",
  network: "overlay",
  type: "Overlay",
  pod: podOf(sandbox),
  attachment: { sandbox, interface: "eth0" },
  retained: false,
  claimed: false,
});
const open = (folder: StateFolder) => AddressBook.open(folder, silent);
/** All that a book says, in its order. */
const pagesOf = ({ bindings, held, freed }: AddressBook) => ({
  bindings: [...bindings.values()].toSorted((a, b) => (a.address < b.address ? -1 : 1)),
  held: [...held],
  freed: [...freed],
});

test("a restart reads back who has what, what is held, and in which order addresses came back", async () => {
  await withFolder(async (folder) => {
    const book = await open(folder);
    await book.bind([bindingOf("10.0.0.1", "a"), bindingOf("fd00::1", "a")]);
    await book.bind([bindingOf("10.0.0.2", "b")]);
    await book.bind([bindingOf("10.0.0.3", "c")]);
    await book.free(["10.0.0.3"]);
    await book.free(["10.0.0.2"]);
    await book.hold(["10.0.0.9"]);
    await book.close();
    const again = await open(folder);
    expect(pagesOf(again)).toEqual({
      bindings: [bindingOf("10.0.0.1", "a"), bindingOf("fd00::1", "a")],
      held: ["10.0.0.9"],
      freed: ["10.0.0.3", "10.0.0.2"],
    });
    expect(again.of({ sandbox: "a", interface: "eth0" })).toHaveLength(2);
    expect(again.of({ sandbox: "a", interface: "net1" })).toEqual([]);
    expect(again.ofPod(podOf("a"), "eth0")).toHaveLength(2);
    expect(again.ofPod(podOf("b"), "eth0")).toEqual([]);
    await again.close();
  });
});

test("who is given an address takes it from who had it, and from nobody else", async () => {
  await withFolder(async (folder) => {
    const book = await open(folder);
    await book.bind([bindingOf("10.0.0.1", "a"), bindingOf("fd00::1", "a")]);
    await book.bind([bindingOf("10.0.0.1", "b")]);
    expect(book.of({ sandbox: "a", interface: "eth0" }).map(({ address }) => address)).toEqual(["fd00::1"]);
    expect(book.ofPod(podOf("b"), "eth0").map(({ address }) => address)).toEqual(["10.0.0.1"]);
    await book.hold(["10.0.0.1"]);
    expect(book.of({ sandbox: "b", interface: "eth0" })).toEqual([]);
    await book.bind([bindingOf("10.0.0.1", "c")]);
    expect([...book.held]).toEqual([]);
    await book.close();
  });
});

test("a journal that grows is written anew, shorter, and says the same", async () => {
  await withFolder(async (folder) => {
    const book = await open(folder);
    await book.bind([bindingOf("10.0.0.1", "stays")]);
    await book.hold(["10.0.0.9"]);
    const sizes: number[] = [];
    for (let n = 0; n < 600; n += 1) {
      await book.bind([bindingOf(`10.0.1.${n % 7}`, `pod-${n}`)]);
      await book.free([`10.0.1.${n % 7}`]);
      sizes.push((await stat(path.join(folder.path, JOURNAL))).size);
    }
    const before = pagesOf(book);
    await book.close();
    expect(sizes.some((size, at) => size < (sizes[at - 1] ?? 0))).toBe(true);
    const again = await open(folder);
    expect(pagesOf(again)).toEqual(before);
    await again.close();
  });
});

test("whatever is written while the journal is written anew is there after a restart", async () => {
  await withFolder(async (folder) => {
    const book = await open(folder);
    for (let n = 0; n < 900; n += 1) await book.free(["10.1.0.1"]);
    const pods = Array.from({ length: 24 }, (_, at) => at);
    await Promise.all(
      pods.map(async (pod) => {
        for (let n = 0; n < 120; n += 1) {
          // Some ask at once, some a little later: at every moment somebody is about to.
          for (let turns = (pod + n) % 5; turns > 0; turns -= 1) await Promise.resolve();
          await book.bind([bindingOf(`10.0.${pod}.${n % 3}`, `pod-${pod}-${n}`)]);
          if (n % 4 === 3) await book.free([`10.0.${pod}.${n % 3}`]);
        }
      }),
    );
    const before = pagesOf(book);
    await book.close();
    const again = await open(folder);
    expect(pagesOf(again)).toEqual(before);
    await again.close();
  });
}, 60_000);

test("blocks that are given back stay so over a restart and a rewriting, until they are taken up again", async () => {
  await withFolder(async (folder) => {
    const book = await open(folder);
    await book.giveBack(["10.0.0.0/24", "10.0.1.0/24"]);
    await book.takeUp(["10.0.1.0/24"]);
    for (let n = 0; n < 1_100; n += 1) await book.free(["10.1.0.1"]);
    await book.close();
    const again = await open(folder);
    expect([...again.leaving]).toEqual(["10.0.0.0/24"]);
    await again.close();
  });
});

test("a write that never came to its end is cut off, and what was answered before it stays", async () => {
  await withFolder(async (folder) => {
    const book = await open(folder);
    await book.bind([bindingOf("10.0.0.1", "a")]);
    await book.close();
    await appendFile(path.join(folder.path, JOURNAL), '0badc0de [{"op":"free","addresses":["10.0.0.1"');
    const again = await open(folder);
    expect([...again.bindings.keys()]).toEqual(["10.0.0.1"]);
    await again.bind([bindingOf("10.0.0.2", "b")]);
    await again.close();
    const last = await open(folder);
    expect([...last.bindings.keys()]).toEqual(["10.0.0.1", "10.0.0.2"]);
    await last.close();
  });
});

test("a book of a later version, or one that is damaged inside, is refused and left as it is", async () => {
  await withFolder(async (folder) => {
    const book = await open(folder);
    for (const sandbox of ["a", "b", "c"]) await book.bind([bindingOf("10.0.0.1", sandbox)]);
    await book.close();
    const file = path.join(folder.path, JOURNAL);
    const whole = await readFile(file, "utf8");
    await folder.writeText(JOURNAL, whole.replace('"sandbox":"b"', '"sandbox":"x"'));
    const damaged = await readFile(file, "utf8");
    await expect(open(folder)).rejects.toMatchObject({ code: "journal-corrupt" });
    expect(await readFile(file, "utf8")).toBe(damaged);
  });
});

test("on a full disk nothing is written down, who asked is told, and it goes on once there is room", async () => {
  await withFolder(async (_, where) => {
    const disk = `${where}-disk`;
    const run = runner();
    await run("mkdir", [disk]);
    await run("mount", ["-t", "tmpfs", "-o", "size=64k,mode=700", "tmpfs", disk]);
    try {
      const folder = await openStateFolder(disk, silent);
      const book = await open(folder);
      await book.bind([bindingOf("10.0.0.1", "a")]);
      await run("sh", ["-c", `head -c 1M /dev/zero > ${disk}/ballast 2>/dev/null || true`]);
      // One that is too large for what is left of a page.
      const fill = () => book.bind(Array.from({ length: 100 }, (_, n) => bindingOf(`10.0.1.${n}`, "large")));
      await expect(fill()).rejects.toMatchObject({ code: "journal-failed", retry: true });
      const before = pagesOf(book);
      await expect(fill()).rejects.toMatchObject({ code: "journal-failed" });
      expect(pagesOf(book)).toEqual(before);
      await run("rm", [`${disk}/ballast`]);
      await book.free(["10.0.0.1"]);
      const after = pagesOf(book);
      await book.close();
      const again = await open(folder);
      expect(pagesOf(again)).toEqual(after);
      await again.close();
    } finally {
      await run("umount", ["--lazy", disk]);
    }
  });
});
