import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { networkKind } from "../../crds/network.ts";
import { DEFAULT_NETWORK } from "../../mesh/ipam/network-choice.ts";
import type { NetworkStatus } from "../../mesh/ipam/resources.ts";
import { startOwnStore } from "../testing/own-store.ts";
import type { OwnStore } from "../testing/own-store.ts";

let own: OwnStore;
beforeAll(async () => {
  own = await startOwnStore();
}, 60_000);
afterEach(() => own.clear());
afterAll(() => own?.remove());

const CREATE = "network create overlay --type Overlay";
const LAN = "network create lan --type Underlay --node-selector site=berlin,rack=1";

/** What the member controller would have counted. */
async function counted(name: string, status: Partial<NetworkStatus>): Promise<void> {
  const network = await own.store.get(networkKind, name);
  if (network === undefined) throw new Error(`there is no Network "${name}"`);
  await own.store.updateStatus(networkKind, { ...network, status: { ...network.status, ...status } });
}

test("a Network is created, listed, shown and deleted", async () => {
  expect(await own.done(CREATE, LAN)).toBe("network/overlay created\nnetwork/lan created\n");
  await counted("overlay", {
    ipv4: { total: 65_533, used: 2, available: 65_531 },
    ipv6: { total: 65_536, used: 2, available: 65_534 },
    lastAllocatedSubnet: "pods",
  });
  expect(await own.done("network list")).toBe(`\
NAME      TYPE       TOTAL         USED   AVAILABLE     LAST-SUBNET
lan       Underlay   -             -      -             -
overlay   Overlay    65533/65536   2/2    65531/65534   pods
`);
  expect(await own.done("network list --output wide")).toMatch(
    /DEFAULT +NODE-SELECTOR +CONDITIONS +LABELS +AGE\nlan .* site=berlin,rack=1 /,
  );
  await own.done("subnet create pods --network overlay --cidr 10.64.0.0/16");
  const shown = await own.done("network show overlay");
  expect(shown).toContain("IPv4:          65531 available, 2 used, 65533 in all\n");
  expect(shown).toMatch(/\nSubnets:\n {2}NAME .*\n {2}pods +4 +10\.64\.0\.0\/16 /);
  expect(await own.done("network delete lan")).toBe("network/lan deleted\n");
});

test("what a Network is made of is printed whole for programs", async () => {
  const made = JSON.parse(await own.done(`${LAN} --output json`)) as unknown;
  const spec = { type: "Underlay", nodeSelector: { site: "berlin", rack: "1" } };
  expect(made).toMatchObject({ kind: "Network", metadata: { name: "lan" }, spec });
  expect(JSON.parse(await own.done("network list --output json"))).toEqual([made]);
  expect(JSON.parse(await own.done("network show lan --output json"))).toEqual(made);
  expect(await own.done("network list --output yaml")).toContain("nodeSelector:\n      site: berlin\n");
});

const defaults = async (): Promise<string[]> =>
  (await own.store.list(networkKind))
    .filter(({ metadata }) => metadata.annotations[DEFAULT_NETWORK] === "true")
    .map(({ metadata }) => metadata.name);

test("one Network is the default, the one that was made it last", async () => {
  await own.done(CREATE, "network create lan --type Underlay --node-selector lan=a --default");
  expect(await defaults()).toEqual(["lan"]);
  expect(await own.done("network set-default overlay")).toBe("network/overlay is the default\n");
  expect(await defaults()).toEqual(["overlay"]);
  await own.done("network create other --type Underlay --node-selector lan=b --default");
  expect(await defaults()).toEqual(["other"]);
  expect(await own.done("network show other")).toContain("Default:   yes: of pods that choose none\n");
});

test("an underlay's machines may change", async () => {
  await own.done(LAN);
  expect(await own.done("network update lan --node-selector site=paris")).toBe("network/lan updated\n");
  expect((await own.store.get(networkKind, "lan"))?.spec.nodeSelector).toEqual({ site: "paris" });
  await own.done("network update lan --node-selector none");
  expect((await own.store.get(networkKind, "lan"))?.spec.nodeSelector).toEqual({});
});

test.each([
  ["network create second --type Overlay", 'a cluster has one overlay Network, and "overlay" is it'],
  ["network create more --type Underlay --node-selector site=berlin", "may select the same node"],
  ["network create Two --type Overlay --node-selector a=b", "2 faults, nothing was changed:"],
  ["network create lan --type Underlay --node-selector site=paris", 'there is a Network "lan" already'],
  ["network set-default none", 'there is no Network "none"; there are lan, overlay'],
  ["network update overlay --node-selector a=b", "--node-selector: an overlay spans all nodes"],
  ["network delete overlay", 'Network "overlay" still has Subnets: pods; delete them first'],
  ["network delete other", 'there is no Network "other"; there are lan, overlay'],
  ["network show other", 'there is no Network "other"; there are lan, overlay'],
])("`trestle %s` is refused, and nothing is changed", async (line, message) => {
  await own.done(CREATE, LAN, "subnet create pods --network overlay --cidr 10.64.0.0/16");
  const before = await own.everything();
  const { exitCode, stdout, stderr } = await own.type(line);
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
  expect(stderr).toContain(message);
  expect(await own.everything()).toEqual(before);
});
