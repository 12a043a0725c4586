import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import type { Captured } from "../../cli/testing/captured-shell.ts";
import { cidrPoolKind } from "../../crds/cidr-pool.ts";
import { clusterKind } from "../../crds/cluster.ts";
import { startCliHub } from "./cli-hub.ts";
import type { CliHub } from "./cli-hub.ts";

let hub: CliHub;
beforeAll(async () => {
  hub = await startCliHub();
});
afterEach(() => hub.clear());
afterAll(() => hub.remove());

const apply = (stdin: string): Promise<Captured> =>
  hub.type("apply -f -", { stdin, env: { TRESTLE_CONTEXT: path.join(hub.folder, "context.yaml") } });

const MESH = `apiVersion: trestle.dev/v1alpha1
kind: CIDRPool
metadata: { name: pods }
spec: { cidr: 10.64.0.0/12, clusterPrefixLength: 16 }
---
apiVersion: trestle.dev/v1alpha1
kind: ClusterLink
metadata:
  name: all
  labels: { team: net }
spec:
  members:
    names: [east, west]
`;

test("what is new is created, what differs configured, what is the same left alone", async () => {
  expect(await apply(MESH)).toEqual({
    exitCode: 0,
    stdout: "cidrpool/pods created\nclusterlink/all created\n",
    stderr: "",
  });
  expect((await apply(MESH)).stdout).toBe("cidrpool/pods unchanged\nclusterlink/all unchanged\n");
  expect((await apply(MESH.replace("team: net", "team: ops"))).stdout).toBe(
    "cidrpool/pods unchanged\nclusterlink/all configured\n",
  );
  expect((await apply(MESH.replace("  labels: { team: net }\n", ""))).stdout).toBe(
    "cidrpool/pods unchanged\nclusterlink/all unchanged\n",
  );
});

test("a file is read as well as standard input", async () => {
  const file = path.join(hub.folder, "mesh.yaml");
  await writeFile(file, MESH);
  expect((await hub.type(`apply --filename ${file}`)).stdout).toBe("cidrpool/pods created\nclusterlink/all created\n");
});

test("what get prints can be applied, and changes nothing", async () => {
  await apply(MESH);
  await hub.joined("east", "west");
  const before = await hub.everything();
  for (const [kind, count] of [
    ["pools", 1],
    ["links", 1],
    ["clusters", 2],
  ] as const) {
    for (const format of ["yaml", "json"]) {
      const { stdout } = await hub.type(`get ${kind} -o ${format}`);
      const { exitCode, stdout: outcome } = await apply(stdout);
      expect({ exitCode, outcomes: outcome.match(/unchanged\n/g)?.length }).toEqual({ exitCode: 0, outcomes: count });
    }
  }
  expect(await hub.everything()).toEqual(before);
});

test("the status of an object is not a person's to write", async () => {
  await apply(MESH);
  const pool = await hub.store.get(cidrPoolKind, "pods");
  if (pool === undefined) throw new Error("the pool was applied");
  await hub.store.updateStatus(cidrPoolKind, { ...pool, status: { ...pool.status, free: 16 } });
  expect((await apply(`${MESH.split("---")[0]}status: { free: 1 }\n`)).stdout).toBe("cidrpool/pods unchanged\n");
  expect((await hub.store.get(cidrPoolKind, "pods"))?.status.free).toBe(16);
});

test("a cluster's pause is its spec's", async () => {
  await hub.joined("east");
  const paused = "apiVersion: trestle.dev/v1alpha1\nkind: Cluster\nmetadata: { name: east }\nspec: { paused: true }\n";
  expect((await apply(paused)).stdout).toBe("cluster/east configured\n");
  expect((await hub.store.get(clusterKind, "east"))?.spec.paused).toBe(true);
});

test("nothing to apply is no fault", async () => {
  expect(await apply("# nothing yet\n")).toEqual({
    exitCode: 0,
    stdout: "",
    stderr: "There is nothing to apply in standard input.\n",
  });
});

const edited = (from: string, to: string): string => {
  if (!MESH.includes(from)) throw new Error(`${from} is not in the file`);
  return MESH.replace(from, to);
};

test.each([
  ["cut-off YAML", edited("[east, west]", "[east, west"), "document 2, line"],
  [
    "a field twice",
    edited("  name: all\n", "  name: all\n  name: some\n"),
    "document 2, line 10: Map keys must be unique",
  ],
  ["no group of fields", "just words\n", "document 1, line 1: a resource is a group of fields"],
  [
    "a wrong apiVersion",
    edited("trestle.dev/v1alpha1\nkind: CIDRPool", "v1\nkind: CIDRPool"),
    'document 1, line 1: apiVersion must be trestle.dev/v1alpha1, not "v1"',
  ],
  ["no kind", edited("kind: ClusterLink\n", ""), "document 2, line 6: kind is missing"],
  [
    "an unknown kind",
    edited("kind: ClusterLink", "kind: ClusterLnk"),
    'there is no kind "ClusterLnk"; the hub has cidrpools',
  ],
  [
    "a kind of another place",
    edited("kind: ClusterLink", "kind: Gateway"),
    '"Gateway" is kept in a cluster\'s own store',
  ],
  [
    "a kind in lower case",
    edited("kind: ClusterLink", "kind: clusterlink"),
    "document 2, line 7: write the kind as ClusterLink",
  ],
  [
    "a kind that commands make",
    edited("kind: ClusterLink", "kind: JoinToken"),
    "document 2, line 7: a JoinToken can't be applied",
  ],
  ["a bad name", edited("name: all", "name: All"), 'document 2, line 9: "All" is not a name'],
  ["a field that is missing", edited("cidr: 10.64.0.0/12, ", ""), "document 1, line 4: spec.cidr is missing"],
  [
    "a field of the wrong kind",
    edited("[east, west]", "[east, [west]]"),
    "document 2, line 13: spec.members.names[1] must be a text",
  ],
  [
    "a misspelt field",
    edited("clusterPrefixLength: 16", "clusterPrefixLength: 16, purpos: Mesh"),
    "document 1, line 4: spec.purpos is not known",
  ],
  [
    "a misspelt field further in",
    edited("names:", "matchLables: {}\n    names:"),
    "document 2, line 13: spec.members.matchLables is not known",
  ],
  ["one object twice", `${MESH}---\n${MESH.split("---\n")[0]}`, 'CIDRPool "pods" is in this file already, on line 1'],
  [
    "host bits",
    edited("10.64.0.0/12", "10.64.0.1/12"),
    "document 1, line 4: spec.cidr: 10.64.0.1/12 has host bits set; did you mean 10.64.0.0/12?",
  ],
  ["a link with one cluster", edited("[east, west]", "[east]"), "document 2, line 12: spec: links no two clusters"],
  [
    "two links over a pair",
    `${MESH}---\n${MESH.split("---\n")[1]?.replace("name: all", "name: more")}`,
    'document 3, line 15: link "more" would link "east" and "west", which link "all" does already',
  ],
  [
    "two pools that overlap",
    `${MESH}---\n${MESH.split("---\n")[0]?.replace("name: pods", "name: more")}`,
    'pool "more" asks for 10.64.0.0/12, which overlaps 10.64.0.0/12 of pool "pods"',
  ],
])("%s: said with document and line, and nothing is written", async (_, text, message) => {
  const before = await hub.everything();
  const { exitCode, stdout, stderr } = await apply(text);
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
  expect(stderr).toContain("standard input");
  expect(stderr).toContain(message);
  expect(stderr).toContain("nothing was changed");
  expect(await hub.everything()).toEqual(before);
});

test("several faults are told at once", async () => {
  const { stderr } = await apply(MESH.replace("name: pods", "name: Pods").replace("name: all", "name: All"));
  expect(stderr.split("\n")).toEqual([
    "error: standard input has 2 faults, nothing was changed:",
    expect.stringContaining('  document 1, line 3: "Pods" is not a name'),
    expect.stringContaining('  document 2, line 9: "All" is not a name'),
    "",
  ]);
});

test("what is immutable stays, and is said to be", async () => {
  await apply(MESH);
  const before = await hub.everything();
  const { exitCode, stderr } = await apply(MESH.replace("10.64.0.0/12", "10.96.0.0/12"));
  expect(exitCode).toBe(1);
  expect(stderr).toContain("document 1, line 4: spec.cidr");
  expect(await hub.everything()).toEqual(before);
});
