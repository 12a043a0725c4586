import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { ipBlockKind } from "../../../crds/ip-block.ts";
import { ipInstanceKind } from "../../../crds/ip-instance.ts";
import { membershipKind } from "../../../crds/membership.ts";
import { nodeKind } from "../../../crds/node.ts";
import { subnetKind } from "../../../crds/subnet.ts";
import { instance } from "../../../mesh/ipam/testing/objects.ts";
import { systemClock } from "../../../platform/clock.ts";
import { eventually } from "../../../platform/testing/eventually.ts";
import { manualClock } from "../../../platform/testing/manual-clock.ts";
import { embeddedDirectory } from "../../ipam/directory-embedded.ts";
import { silent } from "../../testing/folder.ts";
import type { MemberStore } from "../../testing/store.ts";
import { startMemberStore } from "../../testing/store.ts";
import { controlAddresses } from "./control.ts";

let member: MemberStore;
beforeAll(async () => {
  member = await startMemberStore();
}, 60_000);
afterAll(() => member?.remove(), 60_000);

test("a leader makes the Network, counts, frees and clears, and ends when it leads no more", async () => {
  const { store } = member;
  const life = new AbortController();
  const clock = manualClock();
  const directory = embeddedDirectory(store, { clock: systemClock, log: silent }, life.signal);
  const controlling = controlAddresses({ cluster: "east", store, directory, clock, log: silent }, life.signal);
  try {
    const created = await store.create(membershipKind, {
      metadata: { name: "mesh" },
      spec: { mesh: "m", cluster: "east", phase: "Joined", localCIDRs: [] },
    });
    await store.updateStatus(membershipKind, {
      ...created,
      status: { ...created.status, podCIDRs: ["10.64.0.0/16"] },
    });
    await store.create(nodeKind, { metadata: { name: "a" }, spec: { addresses: [] } });
    const name = "overlay-10-64-0-0-16";
    const block = (cidr: string, node: string) =>
      store.create(ipBlockKind, {
        metadata: { name: cidr.replaceAll(/[./]/g, "-") },
        spec: { cidr, node, purpose: "Pods" },
      });
    await block("10.64.0.0/24", "a");
    await block("10.64.1.0/24", "b");
    await block("10.64.9.9/32", "a");
    await block("10.64.7.7/32", "a");
    await store.create(ipInstanceKind, instance("10.64.0.2", name));
    await store.create(ipInstanceKind, instance("10.64.1.2", name, { node: "b" }));
    const owner = { kind: "StatefulSet", name: "web", uid: "gone" };
    const kept = { retained: true, owner, node: undefined, attachment: undefined };
    await store.create(ipInstanceKind, instance("10.64.7.7", name, kept));

    let sweptAt: number | undefined;
    const seen = async () => {
      await clock.advance(5_000);
      const instances = (await store.list(ipInstanceKind)).map(({ spec }) => spec.address);
      const blocks = (await store.list(ipBlockKind)).map(({ spec }) => spec.cidr);
      if (!blocks.includes("10.64.9.9/32")) sweptAt ??= clock.monotonic();
      const status = (await store.get(subnetKind, name))?.status;
      return JSON.stringify([instances, blocks, status?.used, status?.conditions.map((each) => each.status)]);
    };
    const wanted = JSON.stringify([["10.64.0.2"], ["10.64.0.0/24"], 1, ["True"]]);
    await eventually(async () => {
      const now = await seen();
      return now === wanted || now;
    });
    expect(clock.monotonic()).toBeGreaterThanOrEqual(60_000);
    // Its address may be about to be claimed: a borrower waits for the owner's answer.
    expect(sweptAt).toBeGreaterThanOrEqual(60_000);
    expect((await store.get(subnetKind, name))?.metadata.finalizers).toHaveLength(1);
  } finally {
    life.abort();
    await controlling;
    await directory.done;
  }
}, 60_000);
