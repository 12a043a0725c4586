import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { once } from "node:events";
import { existsSync, readFileSync, statSync } from "node:fs";
import { link, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { MeshError } from "../../platform/errors.ts";
import { createLog } from "../../platform/log.ts";
import { refusing } from "./refusing.ts";
import type { CNICommands } from "./serve.ts";
import { serveCNI } from "./serve.ts";
import { CNI_CODES, CNIError } from "./cni-error.ts";
import { callPlugin, CONFIGURATION } from "./testing/plugin.ts";

/** The plugin as a runtime starts it, and the server that an agent has. */

const log = createLog({ level: "silent", pretty: false });
const ATTACHED = { CNI_CONTAINERID: "sandbox-1", CNI_IFNAME: "eth0", CNI_NETNS: "/run/netns/pod" };
const WIRE = {
  device: "tp0",
  deviceMac: "02:00:00:00:00:01",
  interface: "eth0",
  interfaceMac: "02:00:00:00:00:02",
  netns: "/run/netns/pod",
  mtu: 1_420,
  addresses: [
    { address: "10.64.0.2", nextHop: "169.254.1.1" },
    { address: "fd64::2", nextHop: "fe80::1" },
  ],
};

let folder: string;
let file: string;
let life: AbortController;
let done: Promise<void>;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "trestle-cni-"));
  file = path.join(folder, "cni.sock");
  life = new AbortController();
});
afterEach(async () => {
  life.abort();
  await done;
  await rm(folder, { recursive: true });
});

const nothing = () => Promise.resolve();
async function serve(commands: Partial<CNICommands> = {}): Promise<void> {
  const all = { add: () => Promise.resolve(WIRE), del: nothing, check: nothing, gc: nothing, status: nothing };
  ({ done } = await serveCNI(file, { ...all, ...commands }, log, life.signal));
}

const call = (command: string, configuration: object = CONFIGURATION, more: Readonly<Record<string, string>> = {}) =>
  callPlugin(file, { CNI_COMMAND: command, ...ATTACHED, ...more }, configuration);

test("an ADD is answered with the pod's interfaces, addresses and routes", async () => {
  await serve();
  expect(await call("ADD")).toEqual({
    code: 0,
    said: {
      cniVersion: "1.1.0",
      interfaces: [
        { name: "tp0", mac: "02:00:00:00:00:01" },
        { name: "eth0", mac: "02:00:00:00:00:02", sandbox: "/run/netns/pod", mtu: 1_420 },
      ],
      ips: [
        { address: "10.64.0.2/32", gateway: "169.254.1.1", interface: 1 },
        { address: "fd64::2/128", gateway: "fe80::1", interface: 1 },
      ],
      routes: [
        { dst: "0.0.0.0/0", gw: "169.254.1.1" },
        { dst: "::/0", gw: "fe80::1" },
      ],
      dns: {},
    },
  });
});

test.each(["DEL", "CHECK", "GC", "STATUS"])("a %s that is well has nothing to say", async (command) => {
  await serve();
  expect(await call(command)).toEqual({ code: 0, said: undefined });
});

test("VERSION says which there are", async () => {
  await serve();
  const said = { cniVersion: "1.1.0", supportedVersions: ["1.0.0", "1.1.0"] };
  expect(await call("VERSION")).toEqual({ code: 0, said });
});

test.each<[string, unknown, object]>([
  [
    "of the specification keeps its code",
    new CNIError(CNI_CODES.notAvailable, "not ready", "no block yet"),
    { code: 50, msg: "not ready", details: "no block yet" },
  ],
  [
    "that waiting can mend is to be tried again",
    new MeshError("store-unreachable", "no answer", { retry: true }),
    { code: 11, msg: "no answer", details: "store-unreachable" },
  ],
  [
    "that it can't is a refusal",
    new MeshError("contradiction", "two Networks", { retry: false }),
    { code: 100, msg: "two Networks", details: "contradiction" },
  ],
  ["that nobody thought of is told all the same", new TypeError("oops"), { code: 5, msg: "oops" }],
])("a failure %s, in the version of the call", async (_, error, told) => {
  await serve({ add: () => Promise.reject(error) });
  const { code, said } = await call("ADD", { ...CONFIGURATION, cniVersion: "1.0.0" });
  expect({ code, said }).toEqual({ code: 1, said: { cniVersion: "1.0.0", ...told } });
});

test.each<[string, Readonly<Record<string, string>>]>([
  ["1.1.0", { CNI_CONTAINERID: "../etc" }],
  ["1.0.0", { CNI_COMMAND: "ADDED" }],
])("a call of %s that can't be understood is told so in its own version", async (cniVersion, env) => {
  await serve();
  const { said } = await call("ADD", { ...CONFIGURATION, cniVersion }, env);
  expect(said).toMatchObject({ cniVersion, code: 4 });
});

test("an error of a call of no version that there is has the first that there is", async () => {
  await serve();
  for (const configuration of [{ ...CONFIGURATION, cniVersion: "0.4.0" }, {}])
    expect((await call("ADD", configuration)).said).toMatchObject({ cniVersion: "1.0.0" });
});

test("many ask at once, and each gets its own answer", async () => {
  await serve({ add: (asked) => Promise.resolve({ ...WIRE, mtu: Number(asked.configuration.name) }) });
  const sizes = Array.from({ length: 30 }, (_, at) => 1_000 + at);
  const answers = await Promise.all(sizes.map((mtu) => call("ADD", { ...CONFIGURATION, name: String(mtu) })));
  expect(answers.map(({ said }) => (said as { interfaces: { mtu?: number }[] }).interfaces[1]?.mtu)).toEqual(sizes);
});

test("its socket is root's alone, takes the place of one left behind, and is gone when it stops", async () => {
  // What an agent that was killed leaves: Node takes away the name that it knows.
  const killed = createServer().listen(`${file}.bound`);
  await once(killed, "listening");
  await link(`${file}.bound`, file);
  await new Promise((resolve) => killed.close(resolve));
  await serve();
  expect((statSync(file).mode & 0o777).toString(8)).toBe("600");
  life.abort();
  await done;
  expect(existsSync(file)).toBe(false);
});

test("a socket at which another agent answers is left to it, and what is no socket to whoever made it", async () => {
  await serve();
  await expect(serveCNI(file, refusing("-"), log, life.signal)).rejects.toMatchObject({ code: "cni-socket-in-use" });
  expect(await call("VERSION")).toMatchObject({ code: 0 });
  const other = `${file}.txt`;
  await writeFile(other, "mine");
  await expect(serveCNI(other, refusing("-"), log, life.signal)).rejects.toMatchObject({ code: "cni-socket-unusable" });
  expect(readFileSync(other, "utf8")).toBe("mine");
});
