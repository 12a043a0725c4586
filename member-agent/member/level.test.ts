import { expect, test } from "@jest/globals";
import { metadata } from "../../mesh/testing/objects.ts";
import { API_VERSION } from "../../mesh/resources.ts";
import type { Gateway, Membership, Metadata } from "../../mesh/resources.ts";
import type { Network } from "../../mesh/ipam/resources.ts";
import { saysTheSame } from "./level.ts";
import type { MemberLevel } from "./level.ts";

const gateway = (name: string, changes: Partial<Metadata> = {}): Gateway => ({
  apiVersion: API_VERSION,
  kind: "Gateway",
  metadata: metadata(name, changes),
  spec: { node: name, rank: 0 },
  status: { endpoints: [], behindNAT: false, peers: [] },
});
const membership = (changes: Partial<Metadata> = {}): Membership => ({
  apiVersion: API_VERSION,
  kind: "Membership",
  metadata: metadata("mesh", changes),
  spec: { mesh: "m", cluster: "east", phase: "Joined", localCIDRs: [] },
  status: { podCIDRs: [], announcedCIDRs: [], meshPrefixes: [] },
});
const network = (changes: Partial<Metadata> = {}): Network => ({
  apiVersion: API_VERSION,
  kind: "Network",
  metadata: metadata("overlay", changes),
  spec: { type: "Overlay", nodeSelector: {} },
  status: { conditions: [] },
});
const level: MemberLevel = {
  membership: membership(),
  nodes: [],
  blocks: [],
  gateways: [gateway("a"), gateway("b")],
  remotes: [],
  networks: [network()],
  subnets: [],
};

test.each<[string, Partial<MemberLevel>, boolean]>([
  ["is made of other objects", { gateways: [gateway("a"), gateway("b")], membership: membership() }, true],
  ["has another status of a gateway", { gateways: [gateway("a"), gateway("b", { resourceVersion: "9" })] }, true],
  ["has another spec of a gateway", { gateways: [gateway("a"), gateway("b", { generation: 2 })] }, false],
  ["has a gateway that was made anew", { gateways: [gateway("a"), gateway("b", { uid: "other" })] }, false],
  ["has another spec of a Network", { networks: [network({ generation: 2 })] }, false],
  ["has other labels of an object", { gateways: [gateway("a", { labels: { site: "b" } }), gateway("b")] }, false],
  ["has one gateway less", { gateways: [gateway("a")] }, false],
  [
    "has another status of the membership, with numbers in it",
    { membership: membership({ resourceVersion: "9" }) },
    false,
  ],
  ["has no membership", { membership: undefined }, false],
])("a level that %s: says the same is %s %s", (_, changes, same) => {
  expect(saysTheSame({ ...level, ...changes }, level)).toBe(same);
});
