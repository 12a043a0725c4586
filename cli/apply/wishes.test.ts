import { expect, test } from "@jest/globals";
import { readWishes } from "./wishes.ts";

const POOL = `apiVersion: trestle.dev/v1alpha1
kind: CIDRPool
metadata:
  name: pods
spec: { cidr: 10.0.0.0/8, clusterPrefixLength: 16 }
`;

test("what a store fills in may be there", () => {
  const stored = POOL.replace("  name: pods", "  name: pods\n  uid: u\n  resourceVersion: '7'\n  finalizers: []");
  const { wishes, faults } = readWishes(`${stored}status: { total: 256 }\n`, "hub");
  expect(faults).toEqual([]);
  expect(wishes.map(({ object }) => object.metadata.name)).toEqual(["pods"]);
});

test.each([
  ["beside spec", `${POOL}specs: {}\n`, 6, "specs is not known; is it misspelt?"],
  [
    "of metadata",
    POOL.replace("  name", "  lables: { a: b }\n  name"),
    4,
    "metadata.lables is not known; is it misspelt?",
  ],
  ["of spec", POOL.replace("{ cidr", "{ colour: red, cidr"), 5, "spec.colour is not known; is it misspelt?"],
])("a field %s that is not known is a fault on its line", (_, text, line, message) => {
  expect(readWishes(text, "hub")).toEqual({ wishes: [], faults: [{ document: 1, line, message }] });
});
