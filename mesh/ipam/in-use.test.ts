import { expect, test } from "@jest/globals";
import { addressInUse, excludedInUse, networkInUse, subnetInUse } from "./in-use.ts";
import { instance, network, subnet } from "./testing/objects.ts";

const kept = { node: undefined, attachment: undefined, retained: true } as const;
const given = instance("10.64.0.9", "pods");
const waiting = instance("10.64.0.8", "pods", kept);
const others = instance("10.64.0.7", "more");

test("a Network goes after its Subnets", () => {
  const lan = network("lan", { type: "Underlay" });
  const subnets = ["a", "b", "c", "d", "e", "f", "g"].map((name) => subnet(name, "10.0.0.0/24", { network: "lan" }));
  const message = (count: number) =>
    networkInUse(lan, [subnet("pods", "10.64.0.0/17"), ...subnets.slice(0, count)])?.message;
  expect(message(0)).toBeUndefined();
  expect(message(1)).toBe('Network "lan" still has Subnets: a; delete them first');
  expect(message(7)).toBe('Network "lan" still has Subnets: a, b, c, d, e and 2 more; delete them first');
});

test("a Subnet goes after its addresses, retained ones too", () => {
  const pods = subnet("pods", "10.64.0.0/17");
  expect(subnetInUse(pods, [others])).toBeUndefined();
  expect(subnetInUse(pods, [others, waiting, given])?.message).toBe(
    'Subnet "pods" still has addresses in use (2, of which 1 retained), e.g. 10.64.0.8 (kept for shop/web-0); delete those pods, or disable the Subnet until they are gone',
  );
});

test.each([
  ["10.64.0.9", 'Subnet "pods" can\'t exclude 10.64.0.9 (of shop/web-0); delete that pod first'],
  ["10.64.0.1-10.64.0.8", 'Subnet "pods" can\'t exclude 10.64.0.8 (kept for shop/web-0); release it first'],
  ["10.64.0.7", undefined],
])("%s is excluded once nobody has it", (excluded, message) => {
  const pods = subnet("pods", "10.64.0.0/17", { excludeIPs: ["10.64.0.254", excluded] });
  expect(excludedInUse(pods, [others, waiting, given])?.message).toBe(message);
});

test("what a running pod has is not released, what is kept for one is", () => {
  expect(addressInUse(instance("10.1.0.5", "pods"))).toMatchObject({
    code: "in-use",
    message: expect.stringContaining('10.1.0.5 is in use by shop/web-0 on node "a"'),
  });
  expect(addressInUse(instance("10.1.0.5", "pods", { retained: true }))?.code).toBe("in-use");
  expect(addressInUse(instance("10.1.0.5", "pods", kept))).toBeUndefined();
});
