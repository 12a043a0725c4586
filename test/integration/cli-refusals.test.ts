import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { stringify } from "yaml";
import { cidrPoolKind } from "../../crds/cidr-pool.ts";
import { clusterLinkKind } from "../../crds/cluster-link.ts";
import { clusterKind } from "../../crds/cluster.ts";
import { ledgerKind } from "../../crds/ledger.ts";
import { SINGLETON_NAME } from "../../mesh/names.ts";
import { API_VERSION } from "../../mesh/resources.ts";
import { gatewayRecord } from "../../mesh/testing/gateways.ts";
import { freePort } from "../../platform/testing/free-port.ts";
import { startCliHub } from "./cli-hub.ts";
import type { CliHub } from "./cli-hub.ts";

/** Bad input that only a hub can tell from good: each is refused in so many words, and nothing is changed by it. */

let hub: CliHub;
beforeAll(async () => {
  hub = await startCliHub();
});
afterAll(() => hub.remove());

beforeEach(async () => {
  await hub.joined("east", "west", "edge");
  await hub.store.create(cidrPoolKind, {
    metadata: { name: "pods" },
    spec: { cidr: "10.64.0.0/12", clusterPrefixLength: 16, purpose: "Pods" },
  });
  const rows = [
    { prefix: "10.64.0.0/16", cluster: "east", use: "assigned", pool: "pods" },
    { prefix: "172.30.0.0/16", cluster: "west", use: "declared" },
    { prefix: "192.168.7.0/24", cluster: "edge", use: "local" },
  ] as const;
  const numbers = ["east", "west", "edge"].map((cluster, at) => ({ cluster, number: at + 1 }));
  await hub.store.create(ledgerKind, { metadata: { name: SINGLETON_NAME }, spec: { rows, numbers } });
  await hub.store.create(clusterLinkKind, {
    metadata: { name: "first" },
    spec: { members: { names: ["east", "west"] }, tunnel: "WireGuard" },
  });
});
afterEach(() => hub.clear());

test.each([
  [
    "pool create more --cidr 10.72.0.0/16",
    'pool "more" asks for 10.72.0.0/16, which overlaps 10.64.0.0/12 of pool "pods"; pick a range outside it',
  ],
  ["pool create more --cidr 172.16.0.0/12", 'which overlaps 172.30.0.0/16 (declared) of cluster "west"'],
  ["pool create more --cidr 192.168.0.0/16", 'which overlaps 192.168.7.0/24 (local) of cluster "edge"'],
  ["pool create pods --cidr 10.0.0.0/16", 'there is a CIDRPool "pods" already'],
  ["pool create more --cidr 10.0.0.1/16", "10.0.0.1/16 has host bits set; did you mean 10.0.0.0/16?"],
  [
    "pool create more --cidr 10.0.0.0/16 --cluster-prefix-length 27",
    "a /27 leaves a cluster's gateways and nodes no room; use 16 to 26",
  ],
  ["pool create more --cidr 10.0.0.0/16 --cluster-prefix-length 15", "a /15 is wider than 10.0.0.0/16; use 16 to 26"],
  [
    "pool create more --cidr fd00::/64 --cluster-prefix-length 123",
    "a /123 leaves a cluster's gateways and nodes no room; use 64 to 122",
  ],
  ["pool create more --cidr 127.0.0.0/8", "127.0.0.0/8"],
  ["pool create More --cidr 10.0.0.0/16", '"More" is not a name'],
  ["pool show other", 'there is no CIDRPool "other"; there is pods'],
  ["pool delete other", 'there is no CIDRPool "other"; there is pods'],
  ["pool delete pods", "can't be deleted: 1 block of it is in use"],
  ["link create second --members east,nowhere", 'there is no Cluster "nowhere"; there are east, edge, west'],
  ["link create second --from east --to nowhere", 'there is no Cluster "nowhere"; there are east, edge, west'],
  [
    "link create second --members west,east",
    'link "second" would link "east" and "west", which link "first" does already; change or delete "first" first',
  ],
  ["link create second --from edge,west --to east", 'which link "first" does already'],
  ["link create first --members east,edge", 'there is a ClusterLink "first" already'],
  ["link show frst", 'there is no ClusterLink "frst"; there is first'],
  ["cluster show nowhere", 'there is no Cluster "nowhere"; there are east, edge, west'],
  ["get cluster nowhere", 'there is no Cluster "nowhere"; there are east, edge, west'],
  ["delete link second", 'there is no ClusterLink "second"; there is first'],
])("`trestle %s` is refused: %s", async (line, message) => {
  const before = await hub.everything();
  const { exitCode, stdout, stderr } = await hub.type(line);
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
  expect(stderr).toMatch(/^error: .*\n$/);
  expect(stderr).toContain(message);
  expect(await hub.everything()).toEqual(before);
});

test("a link by VXLAN is refused while a cluster of it has a gateway behind NAT; by WireGuard, or in a file, it is made", async () => {
  const edge = await hub.store.get(clusterKind, "edge");
  const gateway = gatewayRecord(0, { endpoints: [], behindNAT: true });
  if (edge !== undefined)
    await hub.store.updateStatus(clusterKind, { ...edge, status: { ...edge.status, gateways: [gateway] } });
  const refused = await hub.type("link create second --members east,edge --tunnel vxlan");
  expect(refused).toMatchObject({ exitCode: 1, stdout: "" });
  expect(refused.stderr).toContain(
    'VXLAN does not pass NAT, and gateways of "edge" are behind one; link them by WireGuard',
  );
  expect(await hub.store.get(clusterLinkKind, "second")).toBeUndefined();

  expect((await hub.type("link create second --members east,edge")).exitCode).toBe(0);
  const file = path.join(hub.folder, "link.yaml");
  const spec = { members: { names: ["west", "edge"] }, tunnel: "VXLAN" };
  await writeFile(file, stringify({ apiVersion: API_VERSION, kind: "ClusterLink", metadata: { name: "third" }, spec }));
  expect(await hub.type(`apply -f ${file}`)).toMatchObject({ exitCode: 0, stdout: "clusterlink/third created\n" });
});

describe("a hub that can't be reached", () => {
  async function typeTo(change: Readonly<Record<string, unknown>>): Promise<string> {
    const file = path.join(hub.folder, "other.yaml");
    await writeFile(file, stringify({ ...hub.context, ...change }));
    const { exitCode, stdout, stderr } = await hub.type(`pool list --context ${file}`);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
    return stderr;
  }

  test("is told with every address that was tried", async () => {
    const urls = [`tls://127.0.0.1:${await freePort()}`, `tls://127.0.0.1:${await freePort()}`];
    const stderr = await typeTo({ urls });
    for (const url of urls) expect(stderr).toContain(url);
    expect(stderr).toContain("can't be reached");
  });

  test("is not believed when another CA vouches for it", async () => {
    const other = await startCliHub();
    try {
      expect(await typeTo({ ca: other.context.ca })).toContain("shows a certificate that the pinned CA did not issue");
    } finally {
      await other.remove();
    }
  });

  test("says so when it refuses the credential", async () => {
    const other = await startCliHub();
    try {
      const { userJWT, userSeed } = other.context;
      expect(await typeTo({ userJWT, userSeed })).toContain("refused this credential");
    } finally {
      await other.remove();
    }
  });
});
