import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { systemClock } from "../platform/clock.ts";
import { runner } from "../platform/run.ts";
import type { Runtime, Sandbox } from "./runtime.ts";
import { addPodNetwork, deletePodNetwork, requireNetwork } from "./runtime.ts";

/** Against plugins that are shell scripts: each notes how it was called, then says what the test wants. */

const { signal } = new AbortController();
const SANDBOX: Sandbox = {
  id: "sandbox1",
  netns: "/run/netns/pod",
  pod: { namespace: "shop", name: "web-0", uid: "u1" },
};

let folder: string;
let runtime: Runtime;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "trestle-runtime-"));
  const [confDir, binDir] = [path.join(folder, "conf"), path.join(folder, "bin")];
  await mkdir(confDir);
  await mkdir(binDir);
  runtime = { node: "east/a", run: runner(), confDir, binDir, clock: systemClock };
});
afterEach(() => rm(folder, { recursive: true }));

/** @param script what it does, with CNI_ variables, after its call was noted */
async function install(name: string, script: string): Promise<void> {
  const note = `input=$(cat); echo "${name} $CNI_COMMAND $input" >> ${folder}/calls; env >> ${folder}/environment`;
  await writeFile(path.join(runtime.binDir, name), `#!/bin/sh\n${note}\n${script}\n`, { mode: 0o755 });
}

async function configure(file: string, cniVersion: string, ...types: readonly string[]): Promise<void> {
  const plugins = types.map((type) => ({ type, own: type }));
  await writeFile(path.join(runtime.confDir, file), JSON.stringify({ cniVersion, name: "pods", plugins }));
}

/** `PLUGIN COMMAND`, in their order. */
async function calls(): Promise<string[]> {
  const lines = (await readFile(path.join(folder, "calls"), "utf8")).trim().split("\n");
  return lines.map((line) => line.split(" ").slice(0, 2).join(" "));
}

const says = (value: unknown): string => `echo '${JSON.stringify(value)}'`;
const fails = (code: number, msg: string): string =>
  `${says({ cniVersion: "1.1.0", code, msg, details: "why" })}; exit 1`;
const ofAdd = (script: string): string => `if [ $CNI_COMMAND = ADD ]; then ${script}; fi`;

test("a sandbox has the addresses that the plugin answers, which is told what containerd tells it and no more", async () => {
  await configure("10-trestle.conflist", "1.1.0", "one");
  await install("one", says({ ips: [{ address: "10.64.0.1/32" }, { address: "fd64::1/128" }] }));
  expect(await addPodNetwork(runtime, SANDBOX, signal)).toEqual(["10.64.0.1", "fd64::1"]);
  const environment = (await readFile(path.join(folder, "environment"), "utf8")).trim().split("\n");
  expect(environment.filter((line) => !/^(PWD|_|SHLVL)=/.test(line)).toSorted()).toEqual([
    "CNI_ARGS=IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web-0;K8S_POD_INFRA_CONTAINER_ID=sandbox1;K8S_POD_UID=u1",
    "CNI_COMMAND=ADD",
    "CNI_CONTAINERID=sandbox1",
    "CNI_IFNAME=eth0",
    "CNI_NETNS=/run/netns/pod",
    `CNI_PATH=${runtime.binDir}`,
  ]);
  const [, , input = ""] = /^(\S+ \S+) (.*)\n$/.exec(await readFile(path.join(folder, "calls"), "utf8")) ?? [];
  expect(JSON.parse(input)).toEqual({ cniVersion: "1.1.0", name: "pods", type: "one", own: "one" });
});

test("of the versions that the plugins know the newest is spoken", async () => {
  const list = { cniVersion: "1.0.0", cniVersions: ["1.0.0", "1.1.0"], name: "pods", plugins: [{ type: "one" }] };
  await writeFile(path.join(runtime.confDir, "05-trestle.conflist"), JSON.stringify(list));
  await install("one", "");
  await deletePodNetwork(runtime, SANDBOX, signal);
  await requireNetwork(runtime, signal);
  const lines = (await readFile(path.join(folder, "calls"), "utf8")).trim().split("\n");
  expect(lines).toEqual(
    ["DEL", "STATUS"].map((command) => `one ${command} {"type":"one","cniVersion":"1.1.0","name":"pods"}`),
  );
});

test("of several conflists the first by name counts; its plugins get each other's results, and DEL goes backwards", async () => {
  await configure("20-other.conflist", "1.0.0", "other");
  await configure("10-trestle.conflist", "1.0.0", "one", "two");
  await writeFile(path.join(runtime.confDir, "00-note.txt"), "no conflist");
  await install("one", ofAdd(says({ ips: [{ address: "10.64.0.1/32" }] })));
  await install("two", ofAdd(`echo "$input" | sed 's/.*"prevResult"://; s/}$//'`));
  expect(await addPodNetwork(runtime, SANDBOX, signal)).toEqual(["10.64.0.1"]);
  await deletePodNetwork(runtime, SANDBOX, signal);
  expect(await calls()).toEqual(["one ADD", "two ADD", "two DEL", "one DEL"]);
});

test("an ADD that fails is followed by a DEL, and told with the plugin's own sentence and code", async () => {
  await configure("10-trestle.conflist", "1.1.0", "one");
  await install("one", ofAdd(fails(100, "Subnet office is full")));
  await expect(addPodNetwork(runtime, SANDBOX, signal)).rejects.toMatchObject({
    code: "cni-100",
    message: "one on east/a: Subnet office is full (CNI error 100, why)",
    retry: false,
  });
  expect(await calls()).toEqual(["one ADD", "one DEL"]);
});

test("what may be tried again later is, until it works", async () => {
  await configure("10-trestle.conflist", "1.1.0", "one");
  const tooEarly = `[ "$(grep -c ADD ${folder}/calls)" -lt 3 ] && { ${fails(11, "no answer")}; }`;
  await install("one", ofAdd(`${tooEarly}; ${says({ ips: [{ address: "10.64.0.1/32" }] })}`));
  expect(await addPodNetwork(runtime, SANDBOX, signal)).toEqual(["10.64.0.1"]);
  expect(await calls()).toEqual(["one ADD", "one DEL", "one ADD", "one DEL", "one ADD"]);
});

test("it is not tried again for ever, nor once nobody waits any more", async () => {
  await configure("10-trestle.conflist", "1.1.0", "one");
  await install("one", fails(11, "no answer"));
  let now = 0;
  const hasty = { ...systemClock, monotonic: () => now, sleep: (ms: number) => Promise.resolve(void (now += ms)) };
  await expect(deletePodNetwork({ ...runtime, clock: hasty }, SANDBOX, signal)).rejects.toThrow("no answer");
  expect((await calls()).length).toBeGreaterThan(20);
  expect(now).toBeGreaterThanOrEqual(60_000);
  await rm(path.join(folder, "calls"));
  const stop = new AbortController();
  const stopping = { ...systemClock, sleep: () => Promise.resolve(stop.abort()) };
  await expect(deletePodNetwork({ ...runtime, clock: stopping }, SANDBOX, stop.signal)).rejects.toThrow("stopped");
  expect(await calls()).toEqual(["one DEL"]);
});

test.each([
  ["nothing", "true", "answered ADD with what is no CNI result"],
  ["no JSON", "echo oops", "no CNI result: oops"],
  ["a failure in words of its own", "echo oops >&2; exit 1", "oops"],
])("a plugin that answers %s is told of as it is", async (_, script, message) => {
  await configure("10-trestle.conflist", "1.1.0", "one");
  await install("one", script);
  await expect(addPodNetwork(runtime, SANDBOX, signal)).rejects.toThrow(message);
});

test("without a conflist there is no network, and one that is spoilt is named", async () => {
  await expect(addPodNetwork(runtime, SANDBOX, signal)).rejects.toMatchObject({ code: "no-conflist" });
  await rm(runtime.confDir, { recursive: true });
  await expect(deletePodNetwork(runtime, SANDBOX, signal)).rejects.toThrow(
    "node east/a has no pod network: its agent has put no CNI configuration into",
  );
  await mkdir(runtime.confDir);
  await writeFile(path.join(runtime.confDir, "10-trestle.conflist"), '{"name":"pods"}');
  await expect(addPodNetwork(runtime, SANDBOX, signal)).rejects.toThrow(/10-trestle.conflist is no CNI configuration/);
});

test("a network is ready when its plugins say so, and where they can't be asked", async () => {
  await configure("10-trestle.conflist", "1.1.0", "one");
  await install("one", fails(50, "no block yet"));
  await expect(requireNetwork(runtime, signal)).rejects.toMatchObject({ code: "cni-50" });
  await install("one", "exit 0");
  await requireNetwork(runtime, signal);
  expect(await calls()).toEqual(["one STATUS", "one STATUS"]);
  await install("one", "exit 1");
  await configure("10-trestle.conflist", "1.0.0", "one");
  await requireNetwork(runtime, signal);
});
