import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { systemClock } from "../clock.ts";
import { createLog } from "../log.ts";
import { runner } from "../run.ts";
import { freePort } from "../testing/free-port.ts";
import { widgets } from "../testing/widget.ts";
import { findTool } from "../tools.ts";
import { connectStore, readStoreAccess } from "./access.ts";
import { serveStore } from "./serve.ts";

const log = createLog({ level: "silent", pretty: false });
const clock = systemClock;
const natsServer = findTool("nats-server", process.env["PATH"] ?? "");
let folder: string;
let port: number;
const running: { readonly controller: AbortController; readonly done: Promise<void> }[] = [];

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "trestle-store-"));
  port = await freePort();
});
afterEach(async () => {
  await Promise.all(running.splice(0).map(stop));
  await rm(folder, { recursive: true });
});

/** Serves until it can be used. */
async function serve(change: Partial<Parameters<typeof serveStore>[0]> = {}) {
  const controller = new AbortController();
  const ready = Promise.withResolvers<void>();
  const options = {
    stateFolder: folder,
    listen: `127.0.0.1:${port}`,
    natsServer,
    clock,
    log,
    onReady: ready.resolve,
    ...change,
  };
  const done = serveStore(options, controller.signal);
  const server = { controller, done };
  running.push(server);
  await Promise.race([ready.promise, done]);
  return server;
}

async function stop({
  controller,
  done,
}: {
  readonly controller: AbortController;
  readonly done: Promise<void>;
}): Promise<void> {
  controller.abort();
  await done.catch(() => undefined);
}

/** Runs `work` on the store that the access file leads to. */
async function using<T>(work: (store: Awaited<ReturnType<typeof connectStore>>["store"]) => Promise<T>): Promise<T> {
  const access = await readStoreAccess(path.join(folder, "store.yaml"));
  const { connection, store } = await connectStore({ access, clock, log, signal: new AbortController().signal });
  try {
    return await work(store);
  } finally {
    await connection.close();
  }
}

describe("a cluster's own store", () => {
  test("is used by who has its access file, and keeps everything over a restart", async () => {
    const first = await serve();
    const made = await using((store) => store.create(widgets, { metadata: { name: "w" }, spec: { size: 1 } }));
    const access = await readFile(path.join(folder, "store.yaml"), "utf8");
    expect((await stat(path.join(folder, "store.yaml"))).mode & 0o777).toBe(0o600);
    await stop(first);

    await serve();
    expect(await using((store) => store.get(widgets, "w"))).toEqual(made);
    expect(await readFile(path.join(folder, "store.yaml"), "utf8")).toBe(access);
  });

  test("lets nobody in without the token, and is known by its CA", async () => {
    await serve();
    const access = await readStoreAccess(path.join(folder, "store.yaml"));
    const connecting = { clock, log, signal: new AbortController().signal };
    await expect(connectStore({ access: { ...access, token: "guess" }, ...connecting })).rejects.toMatchObject({
      code: "nats-refused",
    });
    const other = await mkdtemp(path.join(tmpdir(), "trestle-store-"));
    const otherPort = await freePort();
    await serve({ stateFolder: other, listen: `127.0.0.1:${otherPort}` });
    const { ca } = await readStoreAccess(path.join(other, "store.yaml"));
    await expect(connectStore({ access: { ...access, ca }, ...connecting })).rejects.toMatchObject({
      code: "nats-untrusted",
    });
    await Promise.all(running.splice(0).map(stop));
    await rm(other, { recursive: true });
  });

  test("is reached by the name it advertises, also one it is told later", async () => {
    await stop(await serve());
    await serve({ listen: `0.0.0.0:${port}`, advertise: ["localhost", "127.0.0.1"] });
    expect(await readStoreAccess(path.join(folder, "store.yaml"))).toMatchObject({ url: `tls://localhost:${port}` });
    expect(await using((store) => store.list(widgets))).toEqual([]);
  });

  test.each([
    ["0.0.0.0:4222", /--advertise/],
    ["127.0.0.1", /HOST:PORT/],
    ["[10.0.0.1]:4222", /HOST:PORT/],
    ["127.0.0.1:99999", /HOST:PORT/],
  ])("can't listen on %s", async (listen, message) => {
    await expect(serve({ listen })).rejects.toMatchObject({
      code: "bad-listen",
      message: expect.stringMatching(message),
    });
  });

  test("that lost its secrets does not make new ones by itself", async () => {
    await stop(await serve());
    await writeFile(path.join(folder, "secrets.json"), "garbage");
    await expect(serve()).rejects.toMatchObject({ code: "state-corrupt" });
  });

  test("an access file that is none is told by its name", async () => {
    const file = path.join(folder, "nothing.yaml");
    await expect(readStoreAccess(file)).rejects.toMatchObject({
      code: "bad-store-access",
      message: expect.stringContaining(file),
    });
    await writeFile(file, "url: tls://x:1\n");
    await expect(readStoreAccess(file)).rejects.toMatchObject({
      code: "bad-store-access",
      message: expect.stringContaining("token"),
    });
  });
});

test("a store whose disk was full takes writes again once there is room, and has what it had", async () => {
  const at = (file: string): string => JSON.stringify(path.join(import.meta.dirname, file));
  const program = `
    import { execFileSync } from "node:child_process";
    import { serveStore } from ${at("serve.ts")};
    import { connectStore, readStoreAccess } from ${at("access.ts")};
    import { systemClock } from ${at("../clock.ts")};
    import { createLog } from ${at("../log.ts")};
    import { eventually } from ${at("../testing/eventually.ts")};
    import { widgets } from ${at("../testing/widget.ts")};
    const [folder, listen, natsServer] = process.argv.slice(1);
    const shell = (text) => execFileSync("sh", ["-c", text, "sh", folder + "/filler"], { stdio: "ignore" });
    const clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 500), signal) };
    const log = createLog({ level: "silent", pretty: false });
    const end = new AbortController();
    const ready = Promise.withResolvers();
    const options = { stateFolder: folder + "/state", listen, natsServer, clock, log, onReady: ready.resolve };
    const done = serveStore(options, end.signal);
    await Promise.race([ready.promise, done]);
    const access = await readStoreAccess(folder + "/state/store.yaml");
    const { store } = await connectStore({ access, clock, log, signal: end.signal });
    const create = (name, annotations = {}) => store.create(widgets, { metadata: { name, annotations }, spec: { size: 1 } });
    await create("before");
    shell('head -c 100M /dev/zero > "$1" || true');
    const refusal = await create("full", { text: "x".repeat(300_000) }).catch(({ code }) => code);
    shell('rm "$1"');
    await eventually(() => create("after").then(() => true, ({ message }) => message), 60_000);
    const names = (await store.list(widgets)).map(({ metadata }) => metadata.name);
    end.abort();
    await done;
    console.log(JSON.stringify({ refusal, names }));`;
  const script = 'mount -t tmpfs -o size=4m tmpfs "$1" && exec "$2" --input-type=module -e "$3" "$1" "$4" "$5"';
  const args = ["--mount", "--", "sh", "-c", script, "sh", folder, process.execPath, program];
  const said = await runner()("unshare", [...args, `127.0.0.1:${port}`, natsServer], { limitMs: 170_000 });
  expect(JSON.parse(said)).toEqual({ refusal: "store-unreachable", names: ["after", "before"] });
});
