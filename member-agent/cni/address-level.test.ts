import { expect, test } from "@jest/globals";
import { network, subnet } from "../../mesh/ipam/testing/objects.ts";
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
