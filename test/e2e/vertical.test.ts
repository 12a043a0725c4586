import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { z } from "zod";
import { stateOf } from "../../lab/state.ts";
import { familyOf } from "../../mesh/cidr.ts";
import { eventually } from "../../platform/testing/eventually.ts";
import { pairsCheck } from "./support/check.ts";
import { differences, dumpKernel } from "./support/kernel.ts";
import type { KernelDump } from "./support/kernel.ts";
import { allUp, LAB_LIMIT_MS, newTestLab, THREE_CLUSTERS } from "./support/test-lab.ts";

/** What a newcomer gets: the default lab, from nothing to every pod reaching every other. */

const lab = newTestLab();

beforeAll(async () => {
  await lab.up(THREE_CLUSTERS);
}, LAB_LIMIT_MS);

afterAll(() => lab.down(), LAB_LIMIT_MS);

test("each cluster joined with a token of its own, by the real command", async () => {
  const tokens = z
    .array(
      z.object({
        spec: z.object({ cluster: z.string() }),
        status: z.object({ usedBy: z.string(), usedAt: z.iso.datetime() }),
      }),
    )
    .parse(JSON.parse(await lab.ask("token", "list", "--output", "json")));
  expect(tokens.map(({ spec }) => spec.cluster).toSorted()).toEqual(["east", "edge", "west"]);
  expect(new Set(tokens.map(({ status }) => status.usedBy)).size).toBe(3);
});

test("status has the shape it is documented with, and every pair is up in both directions", async () => {
  await eventually(() => allUp(lab, 6));
  const revision = z.strictObject({ epoch: z.int(), generation: z.int() });
  const status = z
    .strictObject({
      hub: z.strictObject({ connected: z.literal(true), since: z.iso.datetime() }),
      clusters: z.array(
        z.strictObject({
          name: z.string(),
          number: z.int(),
          podCIDRs: z.array(z.union([z.cidrv4(), z.cidrv6()])).min(1),
          desired: revision,
          applied: revision,
          lastSeen: z.iso.datetime(),
        }),
      ),
      pairs: z.array(
        z.looseObject({
          from: z.string(),
          to: z.string(),
          tunnel: z.literal(["WireGuard", "VXLAN"]),
          state: z.literal("Up"),
        }),
      ),
    })
    .parse(JSON.parse(await lab.ask("status", "--output", "json")));
  const names = ["east", "edge", "west"];
  expect(status.clusters.map(({ name }) => name).toSorted()).toEqual(names);
  expect(new Set(status.clusters.map(({ number }) => number)).size).toBe(3);
  expect(Object.fromEntries(status.clusters.map(({ name, podCIDRs }) => [name, podCIDRs.map(familyOf)]))).toEqual({
    east: [4, 6],
    west: [4],
    edge: [4],
  });
  expect(new Set(status.clusters.flatMap(({ podCIDRs }) => podCIDRs)).size).toBe(4);
  expect(status.clusters.map(({ applied }) => applied)).toEqual(status.clusters.map(({ desired }) => desired));
  expect(status.pairs.map(({ from, to }) => `${from}>${to}`).toSorted()).toEqual(
    names.flatMap((from) => names.filter((to) => to !== from).map((to) => `${from}>${to}`)),
  );
  for (const { from, to, tunnel } of status.pairs) {
    expect(tunnel).toBe([from, to].includes("edge") ? "VXLAN" : "WireGuard");
  }
  for (const { since } of status.pairs) expect(z.iso.datetime().parse(since)).toBe(since);
});

test("every pod reaches every other by its own address, by TCP, with a mebibyte and with a large datagram", async () => {
  const { pairs, isolated, failed } = await pairsCheck(lab);
  expect(pairs.filter(({ family }) => family === 4)).toHaveLength(8 * 7);
  expect(pairs.filter(({ family }) => family === 6)).toHaveLength(3 * 2);
  expect(pairs.filter(({ ok, sourcePreserved, largeOk }) => !(ok && sourcePreserved && largeOk))).toEqual([]);
  expect({ isolated, failed }).toEqual({ isolated: [], failed: 0 });
});

test("a second lab up starts nothing and changes nothing on any node", async () => {
  const dumpAll = async (): Promise<KernelDump[]> =>
    Promise.all(lab.nodes().map((node) => dumpKernel(lab.place(node).run)));
  const kernels = await dumpAll();
  const { processes, pods } = stateOf(lab.lab);
  const started = performance.now();
  await lab.up(THREE_CLUSTERS);
  console.log(`a second lab up took ${Math.round(performance.now() - started)} ms`);
  const after = await dumpAll();
  expect(kernels.flatMap((kernel, at) => differences(kernel, after[at] ?? {}))).toEqual([]);
  expect(stateOf(lab.lab)).toMatchObject({ processes, pods });
});

test("a cluster that no link names is out of reach of the others, and they of it", async () => {
  await lab.ask("link", "delete", "edge");
  await eventually(() => allUp(lab, 2));
  const { pairs, isolated, failed } = await pairsCheck(lab);
  expect(pairs.filter(({ from, to }) => from.startsWith("edge") !== to.startsWith("edge"))).toEqual([]);
  expect(isolated).toHaveLength(2 * 6 * 2);
  expect(isolated.every(({ ok, from, to }) => ok && from.startsWith("edge") !== to.startsWith("edge"))).toBe(true);
  expect(failed).toBe(0);
});
