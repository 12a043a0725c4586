import { expect, test } from "@jest/globals";
import { readdir } from "node:fs/promises";
import type { AnyResource, KindDefinition } from "../crds/kind.ts";
import { networkKind } from "../crds/network.ts";
import { nodeKind } from "../crds/node.ts";
import { subnetKind } from "../crds/subnet.ts";
import { forgetLastLevel, readLastLevel, writeLastLevel } from "./last-good.ts";
import type { MemberLevel } from "./member/level.ts";
import { withFolder } from "./testing/folder.ts";

const metadata = {
  name: "a",
  uid: "7d0a2d0e-7a77-4b8a-9b5f-0e1b7c1d2e3f",
  resourceVersion: "1",
  generation: 1,
  creationTimestamp: "2026-01-01T00:00:00.000Z",
  finalizers: [],
  labels: {},
  annotations: {},
};
const node = nodeKind.parse({
  apiVersion: nodeKind.apiVersion,
  kind: nodeKind.kind,
  metadata,
  spec: { addresses: ["192.168.1.10/24"] },
  status: {},
});
const objectOf = <T extends AnyResource>(kind: KindDefinition<T>, spec: unknown): T =>
  kind.parse({ apiVersion: kind.apiVersion, kind: kind.kind, metadata, spec, status: {} });
const before = { membership: undefined, nodes: [node], blocks: [], gateways: [], remotes: [] };
const level: MemberLevel = {
  ...before,
  networks: [objectOf(networkKind, { type: "Overlay" })],
  subnets: [objectOf(subnetKind, { network: "a", cidr: "10.64.0.0/16" })],
};

test("what the store said last comes back as it was, until it is forgotten", () =>
  withFolder(async (folder) => {
    expect(await readLastLevel(folder)).toBeUndefined();
    await writeLastLevel(folder, level);
    expect(await readLastLevel(folder)).toEqual(level);
    await forgetLastLevel(folder);
    expect(await readLastLevel(folder)).toBeUndefined();
  }));

test("what a release kept that knew no Networks has none", () =>
  withFolder(async (folder) => {
    await folder.write("level.json", before);
    expect(await readLastLevel(folder)).toEqual({ ...before, networks: [], subnets: [] });
  }));

test("objects of a form that this release does not know are set aside, and stop no agent", () =>
  withFolder(async (folder, where) => {
    await folder.write("level.json", { ...level, nodes: [{ ...node, spec: { addresses: 7 } }] });
    expect(await readLastLevel(folder)).toBeUndefined();
    expect(await readdir(where)).toContain("level.json.corrupt-1");
  }));
