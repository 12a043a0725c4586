import { expect, test } from "@jest/globals";
import { ipInstanceKind } from "../../crds/ip-instance.ts";
import { networkKind } from "../../crds/network.ts";
import { subnetKind } from "../../crds/subnet.ts";
import { ANNOTATIONS } from "../../mesh/ipam/annotations.ts";
import { network, subnet, subnetSpec } from "../../mesh/ipam/testing/objects.ts";
import { AddressCluster, factsOf } from "../testing/address-node.ts";
import { levelOf } from "../testing/level.ts";
import { addressLevel } from "./address-level.ts";

test("a node issues by Networks and Subnets that keep the rules and collide with no elder one", () => {
  const [overlay, second] = [network("a"), network("b")];
  const [pods, younger] = [
    subnet("a", "10.64.0.0/17", { network: "a" }),
    subnet("b", "10.64.0.0/16", { network: "a" }),
  ];
  const unsound = subnet("c", "10.64.128.1/17", { network: "a" });
  const ofSecond = subnet("d", "10.64.128.0/17", { network: "b" });
  const level = { ...levelOf(1), networks: [second, overlay], subnets: [younger, pods, unsound, ofSecond] };
  expect(addressLevel(level, "a")).toEqual({
    networks: [overlay],
    subnets: [pods],
    blocks: level.blocks,
    node: { name: "a", labels: {} },
    nodeAddresses: new Map([
      ["192.0.2.1", "a"],
      ["192.0.2.2", "b"],
    ]),
  });
});

test("a node issues by its own labels", () => {
  const level = levelOf(1);
  const nodes = level.nodes.map((each) => ({
    ...each,
    metadata: { ...each.metadata, labels: { rack: each.metadata.name } },
  }));
  expect(addressLevel({ ...level, nodes }, "b").node).toEqual({ name: "b", labels: { rack: "b" } });
});

test("of two Subnets that were created at once a node gives by the elder, and what the younger gave to nobody else", async () => {
  const cluster = await AddressCluster.open({});
  try {
    const { server, store } = cluster;
    const create = (name: string, cidr: string) =>
      server.connect().store.create(subnetKind, { metadata: { name }, spec: subnetSpec(cidr, { blockSize: 28 }) });
    // Each is admitted, for the other is not yet there.
    await Promise.all([create("elder", "10.0.0.0/26"), create("younger", "10.0.0.0/25")]);
    const [networks, subnets] = [await store.list(networkKind), await store.list(subnetKind)];
    const node = await cluster.node("a");
    const follow = async (heard: typeof subnets) => {
      const { blocks } = await cluster.level("a");
      await node.follow(addressLevel({ networks, subnets: heard, blocks, nodes: [] }, "a"));
    };
    await follow(subnets.filter(({ metadata }) => metadata.name === "younger"));
    const [first] = await node.add(factsOf("one"), "sandbox-1");
    await follow(subnets);
    const [second] = await node.add(factsOf("two"), "sandbox-2");
    expect(second).not.toBe(first);
    await node.ipam.reconcile();
    const given = (await store.list(ipInstanceKind)).map(({ spec }) => [spec.address, spec.subnet] as const);
    expect(new Map(given)).toEqual(
      new Map([
        [first, "younger"],
        [second, "elder"],
      ]),
    );
    const asking = factsOf("three", { [ANNOTATIONS.subnet]: "younger" });
    await expect(node.add(asking, "sandbox-3")).rejects.toMatchObject({ code: "unknown-subnet" });

    for (const sandbox of ["sandbox-1", "sandbox-2"]) await node.del(sandbox);
    await node.ipam.reconcile();
    expect(await store.list(ipInstanceKind)).toEqual([]);
  } finally {
    await cluster.remove();
  }
}, 60_000);
