import { expect, test } from "@jest/globals";
import { readFaultTarget } from "./fault-target.ts";

test.each([
  ["hub", { kind: "hub", cluster: "", node: "" }],
  ["store:east", { kind: "store", cluster: "east", node: "" }],
  ["agent:east/a", { kind: "agent", cluster: "east", node: "a" }],
  ["wan:east", { kind: "wan", cluster: "east", node: "" }],
])("%s is read", (typed, target) => {
  expect(readFaultTarget(typed)).toEqual(target);
});

test.each([
  ["east/a", "east/a is nothing the lab can break; there are hub, store:CLUSTER,"],
  ["toString", "toString is nothing the lab can break"],
  ["hub:2", "hub:2 comes with a later release"],
  ["mtu:east=1300", "mtu:east=1300 comes with a later release"],
  ["agent:east", "agent:east is not whole, or more than that; write it as agent:CLUSTER/NODE"],
  ["agent:east/", "write it as agent:CLUSTER/NODE"],
  ["agent:east/a/b", "write it as agent:CLUSTER/NODE"],
  ["store", "write it as store:CLUSTER"],
  ["store:", "write it as store:CLUSTER"],
  ["wan:east/a", "write it as wan:CLUSTER"],
])("%s is refused, with how to write it", (typed, message) => {
  expect(() => readFaultTarget(typed)).toThrow(message);
});
