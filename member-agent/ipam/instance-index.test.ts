import { beforeEach, expect, test } from "@jest/globals";
import { instance } from "../../mesh/ipam/testing/objects.ts";
import type { IPInstance, IPInstanceSpec, OwnerReference, PodReference } from "../../mesh/ipam/resources.ts";
import { InstanceIndex, isSamePod } from "./instance-index.ts";

const OWNER = { kind: "StatefulSet", name: "web", uid: "uid-web" };
const POD = { namespace: "shop", name: "web-0", uid: "uid-later" };

let index: InstanceIndex;
beforeEach(() => {
  index = new InstanceIndex();
});

function put(address: string, spec: Partial<IPInstanceSpec> = {}): IPInstance {
  const object = instance(address, "pods", { owner: OWNER, retained: true, ...spec });
  index.note({ op: "put", name: object.metadata.name, object });
  return object;
}
const keptFor = (pod: PodReference, owner: OwnerReference | undefined, name = "eth0"): string[] =>
  index.keptFor(pod, owner, name).map(({ spec }) => spec.address);

test("what is retained is found by its pod's name, whichever uid that has now, and by nothing else", () => {
  put("10.0.0.1");
  put("fd00::1");
  put("10.0.0.2", { retained: false });
  put("10.0.0.3", { pod: { ...POD, name: "web-1" } });
  put("10.0.0.4", { owner: { ...OWNER, uid: "uid-earlier" } });
  expect(keptFor(POD, OWNER)).toEqual(["10.0.0.1", "fd00::1"]);
  expect(keptFor({ ...POD, namespace: "other" }, OWNER)).toEqual([]);
  expect(keptFor(POD, undefined)).toEqual([]);
});

test("what is of one interface of a pod is not found for another", () => {
  const attachment = undefined;
  put("10.0.0.1", { attachment, interface: "eth0" });
  put("10.0.0.2", { attachment, interface: "net1" });
  put("10.0.0.3", { attachment });
  put("10.0.0.4", { attachment: { sandbox: "on another node", interface: "eth0" } });
  put("10.0.0.5", { attachment: { sandbox: "on another node", interface: "net1" } });
  expect(keptFor(POD, OWNER, "net1")).toEqual(["10.0.0.2", "10.0.0.3", "10.0.0.5"]);
});

test("what a person keeps for a pod is found whatever its controller is", () => {
  const object = put("10.0.0.1", { owner: undefined, pod: { ...POD, uid: "" } });
  expect(keptFor(POD, OWNER)).toEqual(["10.0.0.1"]);
  expect(isSamePod(object, POD, undefined)).toBe(true);
});

test("it follows what an address becomes, and forgets what is deleted", () => {
  const { metadata } = put("10.0.0.1");
  put("10.0.0.1", { pod: { ...POD, name: "web-1" } });
  expect(keptFor(POD, OWNER)).toEqual([]);
  expect(keptFor({ ...POD, name: "web-1" }, OWNER)).toEqual(["10.0.0.1"]);
  index.note({ op: "delete", name: metadata.name });
  index.note({ op: "delete", name: metadata.name });
  expect([...index.values(), index.at("10.0.0.1"), index.named(metadata.name)]).toEqual([undefined, undefined]);
  expect(keptFor({ ...POD, name: "web-1" }, OWNER)).toEqual([]);
});
