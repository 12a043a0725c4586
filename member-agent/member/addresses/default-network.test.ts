import { afterAll, beforeAll, expect, test } from "@jest/globals";
import fc from "fast-check";
import { ipInstanceKind } from "../../../crds/ip-instance.ts";
import { membershipKind } from "../../../crds/membership.ts";
import { networkKind } from "../../../crds/network.ts";
import { subnetKind } from "../../../crds/subnet.ts";
import { network, subnet } from "../../../mesh/ipam/testing/objects.ts";
import type { Network } from "../../../mesh/ipam/resources.ts";
import type { MemberStore } from "../../testing/store.ts";
import { startMemberStore } from "../../testing/store.ts";
import { ensureDefaultNetwork, planDefaultNetwork, PROVIDED_ANNOTATION } from "./default-network.ts";
import type { DefaultNetworkPlan } from "./default-network.ts";
import { readAddressLevel } from "./testing/level.ts";

const provided = (name: string, cidrs: string): Network => {
  const bare = network(name);
  return { ...bare, metadata: { ...bare.metadata, annotations: { [PROVIDED_ANNOTATION]: cidrs } } };
};
const lan = subnet("lan", "192.168.1.0/24", { network: "lan" });
const V4 = "10.64.0.0/16";
const V6 = "fd64::/56";
const SIX = "overlay-fd64-0000-0000-0000-0000-0000-0000-0000-56";

test.each<[string, Parameters<typeof planDefaultNetwork>, readonly string[], string]>([
  ["nothing is there", [[V4, V6], [], []], ["overlay-10-64-0-0-16", SIX], `${V4},${V6}`],
  ["an underlay is there", [[V4], [network("lan", { type: "Underlay" })], [lan]], ["overlay-10-64-0-0-16"], V4],
  ["there is an overlay without Subnets", [[V4], [network("pods")], []], ["overlay-10-64-0-0-16"], V4],
  ["a person cut a part of it", [[V4], [network("pods")], [subnet("a", "10.64.3.0/24")]], [], V4],
  ["the cluster got another", [[V4, V6], [provided("overlay", V4)], [subnet("a", V4)]], [SIX], `${V4},${V6}`],
  ["a person deleted the Subnet", [[V4], [provided("overlay", V4)], []], [], V4],
  ["somebody deleted everything", [[V4], [], []], ["overlay-10-64-0-0-16"], V4],
  ["its name is taken", [[V4], [network("pods")], [subnet("overlay-10-64-0-0-16", "10.1.0.0/24")]], [], ""],
  ["a Subnet can't be read", [[V4], [network("pods")], [subnet("bad", "10.64.0.1/16")]], ["overlay-10-64-0-0-16"], V4],
  ["it is too small for a network", [["10.64.0.0/31"], [network("pods")], []], [], ""],
])("where %s", (_, given, names, recorded) => {
  const plan = planDefaultNetwork(...given);
  expect(plan?.subnets.map(({ name }) => name)).toEqual(names);
  expect(plan?.provided.cidrs.join(",")).toBe(recorded);
  expect(plan?.makesNetwork).toBe(given[1].every(({ spec }) => spec.type === "Underlay"));
});

test("of a CIDR that is larger than a Subnet can track, the first addresses are issued", () => {
  const specs = planDefaultNetwork([V4, V6, "10.0.0.0/12"], [], [])?.subnets.map(({ spec }) => spec.range);
  expect(specs).toEqual([
    undefined,
    { start: "fd64::", end: "fd64::ffff" },
    { start: "10.0.0.0", end: "10.0.255.255" },
  ]);
});

test("of two overlays, as two creates at once can leave them, the elder gets the Subnets", () => {
  const younger = network("a");
  const metadata = { ...younger.metadata, creationTimestamp: "2026-01-02T00:00:00Z" };
  const plan = planDefaultNetwork([V4], [{ ...younger, metadata }, network("b")], []);
  expect(plan?.subnets.map(({ spec }) => spec.network)).toEqual(["b"]);
  expect(plan?.provided.network).toBe("b");
});

test("an overlay that is being deleted gets no Subnet", () => {
  const overlay = network("overlay");
  const metadata = { ...overlay.metadata, deletionTimestamp: "2026-01-02T00:00:00Z" };
  expect(planDefaultNetwork([V4], [{ ...overlay, metadata }], [])).toBeUndefined();
});

test("an underlay that is called overlay stays, and nothing is made", () => {
  expect(planDefaultNetwork([V4], [network("overlay", { type: "Underlay" })], [])).toBeUndefined();
});

test("a plan that was carried out leaves nothing to plan, whatever is deleted of it", () => {
  const cidrs = fc.subarray([V4, V6, "10.65.0.0/16", "10.66.0.0/24"], { minLength: 1 });
  fc.assert(
    fc.property(cidrs, fc.boolean(), (podCIDRs, isKept) => {
      const plan = planDefaultNetwork(podCIDRs, [], []) as DefaultNetworkPlan;
      const made = plan.subnets.map(({ name, spec }) => subnet(name, spec.cidr, spec));
      const next = planDefaultNetwork(podCIDRs, [provided("overlay", plan.provided.cidrs.join())], isKept ? made : []);
      expect(next).toEqual({ makesNetwork: false, subnets: [], provided: plan.provided });
    }),
  );
});

let member: MemberStore;
beforeAll(async () => {
  member = await startMemberStore();
}, 60_000);
afterAll(() => member?.remove(), 60_000);

test("a member that joined gets its Network and Subnets once, by however many controllers", async () => {
  const { store } = member;
  const ensure = async () => ensureDefaultNetwork(store, await readAddressLevel(store));
  await ensure();
  expect(await store.list(networkKind)).toEqual([]);
  const created = await store.create(membershipKind, {
    metadata: { name: "mesh" },
    spec: { mesh: "m", cluster: "east", phase: "Joined", localCIDRs: [] },
  });
  const joined = { ...created, status: { ...created.status, podCIDRs: [V4, V6] } };
  await store.updateStatus(membershipKind, joined);
  await Promise.all([ensure(), ensure(), ensure()]);
  const names = async () => (await store.list(subnetKind)).map(({ metadata: { name } }) => name);
  expect(await names()).toEqual(["overlay-10-64-0-0-16", SIX]);
  const [overlay] = await store.list(networkKind);
  expect(overlay).toMatchObject({
    metadata: { name: "overlay", annotations: { [PROVIDED_ANNOTATION]: `${V4},${V6}` } },
    spec: { type: "Overlay" },
  });
  await ensure();
  expect((await store.get(networkKind, "overlay"))?.metadata.resourceVersion).toBe(overlay?.metadata.resourceVersion);
  await store.delete(subnetKind, "overlay-10-64-0-0-16");
  await ensure();
  expect(await names()).toEqual([SIX]);
  expect(await store.list(ipInstanceKind)).toEqual([]);
}, 60_000);
