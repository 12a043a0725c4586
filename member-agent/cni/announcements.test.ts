import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { ipInstanceKind } from "../../crds/ip-instance.ts";
import { ANNOTATIONS } from "../../mesh/ipam/annotations.ts";
import type { IPInstance } from "../../mesh/ipam/resources.ts";
import { subnetSpec } from "../../mesh/ipam/testing/objects.ts";
import { objectNameOfAddress } from "../../mesh/names.ts";
import { MeshError } from "../../platform/errors.ts";
import type { Run } from "../../platform/run.ts";
import { eventually } from "../../platform/testing/eventually.ts";
import { manualClock } from "../../platform/testing/manual-clock.ts";
import type { ManualClock } from "../../platform/testing/manual-clock.ts";
import { LinkDeletions } from "../../tunnel/link-deletions.ts";
import { AddressCluster, attachmentOf, factsOf } from "../testing/address-node.ts";
import type { AddressNode } from "../testing/address-node.ts";
import { keptLog } from "../testing/log.ts";
import { Announcements } from "./announcements.ts";
import { PodNetwork } from "./pod-network.ts";

/** What the LAN is told again, by a node whose programs are only written down. */

const HALL = subnetSpec("192.0.2.0/24", { network: "lan", range: { start: "192.0.2.64", end: "192.0.2.79" } });

let cluster: AddressCluster;
let agent: AddressNode;
let life: AbortController;
let clock: ManualClock;
/** Addresses that the LAN was told of, one after the other. */
let told: string[];
/** Addresses that the kernel answers for. */
let answered: Set<string>;
let pods: PodNetwork;
let log: ReturnType<typeof keptLog>;
/** Why arping says no. */
let refusal: string | undefined;

beforeEach(async () => {
  cluster = await AddressCluster.open({ hall: HALL });
  agent = await cluster.node("a");
  [life, clock, told, answered, refusal] = [new AbortController(), manualClock(), [], new Set(), undefined];
  log = keptLog();
  pods = network();
});
afterEach(async () => {
  life.abort();
  await cluster.remove();
});

const run: Run = async (program, args) => {
  const address = args.find((word) => word.startsWith("192.")) ?? "";
  if (program === "arping") {
    if (refusal !== undefined) throw new MeshError("program-failed", refusal, { retry: true });
    told.push(address);
  } else if (args.includes("replace")) answered.add(address);
  else if (args.includes("delete")) answered.delete(address);
  return JSON.stringify([...answered].map((dst) => ({ dst })));
};

/** That of an agent that just started. */
function network(): PodNetwork {
  const parts = {
    ipam: agent.ipam,
    run,
    deletions: new LinkDeletions(),
    lan: () => ({ device: "eth0", podMtu: 1420 }),
    directory: () => undefined,
    isReady: () => true,
    clock,
    log: log.log,
  };
  return new PodNetwork(parts, life.signal);
}

/** Pods that have addresses of the LAN, which the store says, too. */
async function addPods(count: number): Promise<readonly string[]> {
  const all = [];
  for (let n = 0; n < count; n += 1) {
    const facts = factsOf(`till-${n}`, { [ANNOTATIONS.networkType]: "Underlay" });
    all.push(...(await agent.add(facts, `s${n}`)));
  }
  return all;
}

/** As many as the LAN is told of while so much time goes by. */
async function toldWithin(ms: number): Promise<readonly string[]> {
  const before = told.length;
  for (let passed = 0; passed < ms; passed += 50) {
    // The store answers in turns of its own.
    for (let turns = 0; turns < 20; turns += 1) await new Promise(setImmediate);
    await clock.advance(50);
  }
  return told.slice(before);
}

test("after a start the LAN is told of each address that it is answered for, ten a second, and again every minute", async () => {
  const addresses = await addPods(12);
  for (const address of addresses) answered.add(address);
  await pods.reconcileProxies();
  expect(await toldWithin(450)).toEqual(addresses.slice(0, 5));
  expect(await toldWithin(1_550)).toEqual(addresses.slice(5));
  await pods.reconcileProxies();
  expect(await toldWithin(55_000)).toEqual([]);
  await pods.reconcileProxies();
  expect(await toldWithin(2_000)).toEqual([]);
  await toldWithin(2_000);
  await pods.reconcileProxies();
  expect(await toldWithin(2_000)).toEqual(addresses);
});

test("a node that does not know yet that a pod is on another one answers for it and tells nobody, and ceases when it hears", async () => {
  const [moved = "", own = ""] = await addPods(2);
  const name = objectNameOfAddress(moved);
  const present = await instanceNamed(name);
  agent.client.silence();
  const attachment = attachmentOf("on-b");
  await cluster.store.update(ipInstanceKind, { ...present, spec: { ...present.spec, node: "b", attachment } });
  await pods.reconcileProxies();
  expect([...answered]).toEqual([moved, own]);
  expect(await toldWithin(2_000)).toEqual([]);
  agent.client.resume();
  await eventually(() => !agent.ipam.bindings.has(moved));
  await pods.reconcileProxies();
  expect([...answered]).toEqual([own]);
  expect(await toldWithin(2_000)).toEqual([own]);
});

test("what the store does not confirm the LAN is not told, and what the LAN can't be told is said once a round", async () => {
  const announcements = new Announcements(
    {
      run,
      lan: () => ({ device: "eth0" }),
      isConfirmed: async (address) => address !== "192.0.2.65",
      clock,
      log: log.log,
    },
    life.signal,
  );
  const addresses = [64, 65, 66].map((n) => `192.0.2.${n}`);
  announcements.renew(addresses);
  expect(await toldWithin(2_000)).toEqual(["192.0.2.64", "192.0.2.66"]);
  refusal = "arping: Network is down";
  await clock.advance(60_000);
  announcements.renew(addresses);
  await toldWithin(2_000);
  const msg = `the LAN was not told of 2 of 3 addresses: ${refusal}`;
  await eventually(() => log.lines.length > 0);
  expect(log.lines).toEqual([expect.objectContaining({ event: "not-announced", msg })]);
});

async function instanceNamed(name: string): Promise<IPInstance> {
  const found = await cluster.store.get(ipInstanceKind, name);
  if (found === undefined) throw new Error(`there is no ${name}`);
  return found;
}
