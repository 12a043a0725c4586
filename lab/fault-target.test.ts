import { expect, test } from "@jest/globals";
import { faultKey, readFaultTarget } from "./fault-target.ts";

test.each([
  ["hub", { kind: "hub", cluster: "", node: "" }],
  ["store:east", { kind: "store", cluster: "east", node: "" }],
  ["agent:east/a", { kind: "agent", cluster: "east", node: "a" }],
  ["wan:east", { kind: "wan", cluster: "east", node: "" }],
  ["mtu:east=1300", { kind: "mtu", cluster: "east", node: "", limit: { bytes: 1300, silent: false } }],
  ["mtu:east=1300,silent", { kind: "mtu", cluster: "east", node: "", limit: { bytes: 1300, silent: true } }],
  ["mtu:east", { kind: "mtu", cluster: "east", node: "" }],
])("%s is read", (typed, target) => {
  expect(readFaultTarget(typed)).toEqual(target);
});

test.each([
  ["east/a", "east/a is nothing the lab can break; there are hub, store:CLUSTER,"],
  ["toString", "toString is nothing the lab can break"],
  ["hub:2", "hub:2 comes with a later release"],
  ["loss:east/a>west/a=10", "loss:east/a>west/a=10 comes with a later release"],
  ["mtu:east=wide", "mtu:east=wide is not whole, or more than that; write it as mtu:CLUSTER=BYTES[,silent]"],
  ["mtu:east=1300,quiet", "write it as mtu:CLUSTER=BYTES[,silent]"],
  ["mtu:=1300", "write it as mtu:CLUSTER=BYTES[,silent]"],
  ["wan:east=1300", "write it as wan:CLUSTER"],
  ["agent:east", "agent:east is not whole, or more than that; write it as agent:CLUSTER/NODE"],
  ["agent:east/", "write it as agent:CLUSTER/NODE"],
  ["agent:east/a/b", "write it as agent:CLUSTER/NODE"],
  ["store", "write it as store:CLUSTER"],
  ["store:", "write it as store:CLUSTER"],
  ["wan:east/a", "write it as wan:CLUSTER"],
])("%s is refused, with how to write it", (typed, message) => {
  expect(() => readFaultTarget(typed)).toThrow(message);
});

test.each([
  ["mtu:east=1300,silent", "mtu:east"],
  ["wan:east", "wan:east"],
])("the fault of %s is %s, however it is spelt", (typed, key) => {
  expect(faultKey(typed)).toBe(key);
});
