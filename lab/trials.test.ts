import { expect, test } from "@jest/globals";
import { parseLabFile } from "./read-file.ts";
import type { PodState } from "./state.ts";
import { trialsAmong } from "./trials.ts";

const FILE = parseLabFile(
  `
pools: [{ name: pods, cidr: 10.64.0.0/12, clusterPrefixLength: 16 }]
clusters:
  - { name: east, lan: 192.168.1.0/24, allowedCIDRs: [192.168.1.160/28], nodes: [{ name: a, gateway: true }] }
  - { name: west, lan: 192.168.2.0/24, nodes: [{ name: a, gateway: true }] }
`,
  "test.yaml",
);

function pod(place: string, ...addresses: readonly string[]): PodState {
  const [cluster = "", name = ""] = place.split("/");
  return { cluster, name, node: "a", namespace: "default", annotations: {}, uid: name, addresses: [...addresses] };
}

const waysOf = (
  pods: readonly PodState[],
  linked: readonly string[] = ["east>west", "west>east"],
): { readonly together: readonly string[]; readonly apart: readonly string[] } => {
  const { together, apart } = trialsAmong({ file: FILE, pods: [...pods] }, new Set(linked));
  return { together: together.map(({ id }) => id), apart: apart.map(({ id }) => id) };
};

const web = pod("east/web", "10.64.0.1", "fd64::1");
const db = pod("west/db", "10.65.0.1");

test("pods of linked clusters must reach each other in the families that both have, others must not", () => {
  const ways = ["east/web>west/db/4", "west/db>east/web/4"];
  expect(waysOf([web, db])).toEqual({ together: ways, apart: [] });
  expect(waysOf([web, db], [])).toEqual({ together: [], apart: ways });
});

test("pods of one cluster must reach each other, by which LAN ever", () => {
  const lan = pod("east/till", "192.168.1.130");
  expect(waysOf([web, lan], [])).toEqual({ together: ["east/web>east/till/4", "east/till>east/web/4"], apart: [] });
});

test("a pod of a LAN that its cluster does not announce is not expected to be known in linked clusters", () => {
  expect(waysOf([pod("east/till", "192.168.1.130"), db])).toEqual({ together: [], apart: [] });
  expect(waysOf([pod("east/till", "192.168.1.130"), db], []).apart).toHaveLength(2);
});

test("a pod of an announced part of the LAN is", () => {
  expect(waysOf([pod("east/till", "192.168.1.161"), db]).together).toEqual([
    "east/till>west/db/4",
    "west/db>east/till/4",
  ]);
});
