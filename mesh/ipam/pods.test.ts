import { expect, test } from "@jest/globals";
import type { Refusal } from "../refusal.ts";
import type { PodSpec } from "./pods.ts";
import { namespaceRefusals, podRefusals, workloadRefusals } from "./pods.ts";

const told = (refusals: readonly Refusal[]) => refusals.map(({ message }) => message);
const owner = { kind: "StatefulSet", name: "web", uid: "u" };
const pod: PodSpec = { namespace: "shop", name: "web-0", node: "a", owner };

test.each<[string, Partial<PodSpec>]>([
  ["shop.web-0", {}],
  ["shop.web-0", { owner: undefined }],
  ["shop.my.app-0", { name: "my.app-0" }],
  ["shop.web-0", { node: "ip-10-0-0-1.ec2.internal" }],
])("Pod %s with %j", (name, changes) => {
  expect(told(podRefusals(name, { ...pod, ...changes }))).toEqual([]);
});

test.each<[string, Partial<PodSpec>, string]>([
  ["shop.web-1", {}, 'metadata.name: must be shop.web-0, not "shop.web-1"'],
  ["my.shop.web-0", { namespace: "my.shop" }, 'spec.namespace: "my.shop" is not a name'],
  ["shop.Web", { name: "Web" }, 'spec.name: "Web" is not a node name'],
  ["shop.web-0", { node: "" }, 'spec.node: "" is not a node name'],
  ["shop.web-0", { owner: { ...owner, kind: "stateful set" } }, 'spec.owner.kind: "stateful set" is not a kind'],
  ["shop.web-0", { owner: { ...owner, uid: "" } }, "spec.owner.uid: is empty"],
  ["shop.web-0", { owner: { ...owner, name: "*" } }, 'spec.owner.name: "*" is not a node name'],
])("Pod %s with %j is refused", (name, changes, message) => {
  expect(told(podRefusals(name, { ...pod, ...changes }))).toEqual([expect.stringContaining(message)]);
});

test("a Namespace is a label, a Workload is named by kind, namespace and name", () => {
  expect(namespaceRefusals("shop")).toEqual([]);
  expect(namespaceRefusals("my.shop")).toHaveLength(1);
  const spec = { kind: "StatefulSet", namespace: "shop", name: "web" };
  expect(workloadRefusals("statefulset.shop.web", spec)).toEqual([]);
  expect(told(workloadRefusals("StatefulSet.shop.web", spec))).toEqual([
    'metadata.name: must be statefulset.shop.web, not "StatefulSet.shop.web"',
  ]);
  expect(workloadRefusals("..", { kind: "", namespace: "", name: "" })).toHaveLength(3);
});
