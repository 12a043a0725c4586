import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { systemClock } from "../../platform/clock.ts";
import { eventually } from "../../platform/testing/eventually.ts";
import { ROUTE_PROTOCOL } from "../marks.ts";
import type { TestLan } from "../testing/lan.ts";
import { knownMac, LAN, MACHINE_NIC, macOf, makeLan, NIC, putPod, takePod } from "../testing/lan.ts";
import { connectTo, ping, serve } from "../testing/traffic.ts";
import { writeSysctl } from "../sysctls/kernel.ts";
import { announceOnce } from "./announce.ts";
import { answerFor, observeProxies, startAnswering, stopAnswering } from "./proxies.ts";
import { probeConflict, probeGateway } from "./probe.ts";

/** Enough for a machine under load; an answer ends it at once. */
const PATIENT_MS = 15_000;
const PORT = 8080;
const WRONG_MAC = "02:00:00:00:00:99";

let lan: TestLan;
const ended = new AbortController();
const pace = { clock: systemClock, signal: ended.signal };

beforeAll(async () => {
  lan = await makeLan();
  await Promise.all([lan.machine, ...lan.pods].map((node) => serve(node, PORT)));
});
afterAll(async () => {
  ended.abort();
  await lan?.remove();
});

describe.each([
  ["IPv4", 0],
  ["IPv6", 1],
] as const)("by %s", (_family, at) => {
  const address = LAN.pod[at];

  /** Has the LAN's machine know the pod's address at a MAC. */
  async function learn(mac: string): Promise<void> {
    const entry = ["neigh", "replace", address, "dev", MACHINE_NIC, "nud", "reachable", "lladdr", mac];
    await lan.machine.run("ip", entry);
  }

  /** Runs with the first pod on host a, which answers for it. */
  async function onA(act: () => Promise<void>): Promise<void> {
    const answering = new AbortController();
    await putPod(lan.a, lan.pods[0]);
    try {
      const { announced } = await answerFor(lan.a.run, NIC, address, { ...pace, signal: answering.signal });
      await act();
      answering.abort();
      expect((await announced).error).toBeUndefined();
    } finally {
      answering.abort();
      await stopAnswering(lan.a.run, NIC, address);
      await takePod(lan.a, lan.pods[0]);
      await lan.machine.run("ip", ["neigh", "flush", "dev", MACHINE_NIC]);
    }
  }

  test("a pod and a machine of the LAN reach each other, each sees the other's own address, and the host's MAC is on the wire", async () => {
    await onA(async () => {
      const [pod] = lan.pods;
      await eventually(() => ping(lan.machine, address));
      expect(await connectTo(lan.machine, address, PORT)).toBe(LAN.machine[at]);
      expect(await connectTo(pod, LAN.machine[at], PORT)).toBe(address);
      expect(await knownMac(lan.machine, address)).toBe(await macOf(lan.a, NIC));
    });
  });

  test("a host that has a pod and another host reach each other's", async () => {
    await onA(async () => {
      await eventually(() => ping(lan.b, address));
      expect(await connectTo(lan.pods[0], LAN.b[at], PORT)).toContain("ECONNREFUSED");
    });
  });

  test("an address that a machine has is found with its MAC, one that nobody has is not", async () => {
    const mac = await macOf(lan.machine, MACHINE_NIC);
    expect(await probeConflict(lan.a.run, NIC, LAN.machine[at], pace, PATIENT_MS)).toBe(mac);
    expect(await probeConflict(lan.a.run, NIC, LAN.free[at], pace)).toBeUndefined();
  });

  test("an address that the host itself has is found, with the MAC that it answers with", async () => {
    const mac = await macOf(lan.a, NIC);
    expect(await probeConflict(lan.a.run, NIC, LAN.a[at], pace)).toBe(mac);
    await lan.a.run("ip", ["address", "add", LAN.free[at], "dev", "lo", ...(at === 1 ? ["nodad"] : [])]);
    expect(await probeConflict(lan.a.run, NIC, LAN.free[at], pace)).toBe(mac);
    await lan.a.run("ip", ["address", "delete", `${LAN.free[at]}/${at === 0 ? 32 : 128}`, "dev", "lo"]);
  });

  test("a host does not find itself answering, another host finds it", async () => {
    await onA(async () => {
      expect(await probeConflict(lan.a.run, NIC, address, pace)).toBeUndefined();
      expect(await probeConflict(lan.b.run, NIC, address, pace, PATIENT_MS)).toBe(await macOf(lan.a, NIC));
    });
    expect(await probeConflict(lan.b.run, NIC, address, pace)).toBeUndefined();
  });

  test("who an admin wrote down has the address, and stays written down", async () => {
    const entry = [LAN.free[at], "dev", NIC, "lladdr", WRONG_MAC, "nud", "permanent"];
    await lan.a.run("ip", ["neigh", "replace", ...entry]);
    expect(await probeConflict(lan.a.run, NIC, LAN.free[at], pace)).toBe(WRONG_MAC);
    expect(await lan.a.run("ip", ["neigh", "show", "nud", "permanent"])).toContain(LAN.free[at]);
    await lan.a.run("ip", ["neigh", "delete", ...entry]);
  });

  test("who was known before and is gone is not found, and nothing is left of the question", async () => {
    const entry = [LAN.free[at], "dev", NIC, "lladdr", WRONG_MAC, "nud", "reachable"];
    await lan.a.run("ip", ["neigh", "replace", ...entry]);
    expect(await probeConflict(lan.a.run, NIC, LAN.free[at], pace)).toBeUndefined();
    expect(await lan.a.run("ip", ["neigh", "show", "nud", "all"])).not.toContain(LAN.free[at]);
  });

  test("a probe that is stopped says nothing of the address", async () => {
    const stopped = { ...pace, signal: AbortSignal.abort() };
    await expect(probeConflict(lan.a.run, NIC, LAN.free[at], stopped)).rejects.toThrow("stopped");
  });

  test("a router that answers is told from one that does not", async () => {
    expect(await probeGateway(lan.a.run, NIC, LAN.machine[at], pace, PATIENT_MS)).toBe(true);
    expect(await probeGateway(lan.a.run, NIC, LAN.free[at], pace)).toBe(false);
  });

  test("who probes on a device that is not there is told so", async () => {
    await expect(probeConflict(lan.a.run, "eth7", LAN.free[at], pace, PATIENT_MS)).rejects.toThrow("eth7");
  });

  test("what a host answers for is observed until it stops, others' entries never", async () => {
    await lan.a.run("ip", ["neigh", "replace", "proxy", LAN.free[at], "dev", NIC]);
    await onA(async () => {
      expect(await observeProxies(lan.a.run, NIC)).toEqual([address]);
      await answerFor(lan.a.run, NIC, address, { ...pace, signal: AbortSignal.abort() });
      expect(await observeProxies(lan.a.run, NIC)).toEqual([address]);
    });
    expect(await observeProxies(lan.a.run, NIC)).toEqual([]);
    await stopAnswering(lan.a.run, NIC, LAN.free[at]);
    await stopAnswering(lan.a.run, NIC, LAN.free[at]);
    await stopAnswering(lan.a.run, "eth7", LAN.free[at]);
    expect(await lan.a.run("ip", [`-${at === 0 ? 4 : 6}`, "neigh", "show", "proxy"])).toBe("");
  });

  test("a pod whose host died and that is on another one is reached there once that is announced, and not before", async () => {
    const [, pod] = lan.pods;
    const [oldMac, newMac] = [await macOf(lan.a, NIC), await macOf(lan.b, NIC)];
    await putPod(lan.a, lan.pods[0]);
    try {
      const answering = new AbortController();
      const { announced: first } = await answerFor(lan.a.run, NIC, address, { ...pace, signal: answering.signal });
      await eventually(() => ping(lan.machine, address));
      answering.abort();
      await first;
      await lan.machine.run("ip", ["link", "set", "port-a", "down"]);
      await putPod(lan.b, pod);
      await lan.b.run("ip", ["neigh", "replace", "proxy", address, "dev", NIC, "protocol", String(ROUTE_PROTOCOL)]);
      expect(await ping(lan.machine, address)).toBe(false);
      expect(await knownMac(lan.machine, address)).toBe(oldMac);
      const { announced } = await answerFor(lan.b.run, NIC, address, pace);
      await eventually(async () => (await knownMac(lan.machine, address)) === newMac);
      await eventually(() => ping(lan.machine, address));
      expect((await announced).error).toBeUndefined();
    } finally {
      await lan.machine.run("ip", ["link", "set", "port-a", "up"]);
      for (const [host, wired] of [
        [lan.a, lan.pods[0]],
        [lan.b, pod],
      ] as const) {
        await stopAnswering(host.run, NIC, address);
        await takePod(host, wired);
      }
      await lan.machine.run("ip", ["neigh", "flush", "dev", MACHINE_NIC]);
    }
  });

  test("a host that stopped answering announces no more", async () => {
    const mac = await macOf(lan.a, NIC);
    await learn(WRONG_MAC);
    const { announced } = await answerFor(lan.a.run, NIC, address, pace);
    await eventually(async () => (await knownMac(lan.machine, address)) === mac);
    await stopAnswering(lan.a.run, NIC, address);
    await learn(WRONG_MAC);
    expect((await announced).error).toBeUndefined();
    expect(await knownMac(lan.machine, address)).toBe(WRONG_MAC);
  });

  test("who heard another host since follows the one that announces it once more", async () => {
    const mac = await macOf(lan.a, NIC);
    await learn(WRONG_MAC);
    await startAnswering(lan.a.run, NIC, address);
    expect(await knownMac(lan.machine, address)).toBe(WRONG_MAC);
    expect((await announceOnce(lan.a.run, NIC, address, pace)).error).toBeUndefined();
    await eventually(async () => (await knownMac(lan.machine, address)) === mac);
    await stopAnswering(lan.a.run, NIC, address);
  });

  test("an announcement that was lost is made up for by the next", async () => {
    const mac = await macOf(lan.a, NIC);
    await learn(WRONG_MAC);
    const { announced } = await answerFor(lan.a.run, NIC, address, pace);
    for (let times = 0; times < 2; times++) {
      await eventually(async () => (await knownMac(lan.machine, address)) === mac);
      await learn(WRONG_MAC);
    }
    await eventually(async () => (await knownMac(lan.machine, address)) === mac);
    expect((await announced).error).toBeUndefined();
    await stopAnswering(lan.a.run, NIC, address);
  });
});

test("an announcement that can't be made is said, and the host answers all the same", async () => {
  const key = "net.ipv4.ip_nonlocal_bind";
  const [address] = LAN.pod;
  await writeSysctl(lan.a.run, { key, value: "0" });
  const { announced } = await answerFor(lan.a.run, NIC, address, pace);
  expect(await announced).toMatchObject({
    step: `announce ${address} on ${NIC}`,
    error: expect.stringContaining("Cannot assign requested address"),
  });
  expect(await observeProxies(lan.a.run, NIC)).toEqual([address]);
  await stopAnswering(lan.a.run, NIC, address);
  await writeSysctl(lan.a.run, { key, value: "1" });
});
