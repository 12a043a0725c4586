import { expect, test } from "@jest/globals";
import { immutableRefusal } from "./immutable.ts";

test("a field that must stay is defended, others are free", () => {
  const before = { cidr: "10.0.0.0/8", clusterPrefixLength: 16 };
  expect(immutableRefusal(before, { ...before, clusterPrefixLength: 20 }, ["cidr"])).toBeUndefined();
  expect(immutableRefusal(before, { ...before, cidr: "10.0.0.0/9" }, ["cidr"])).toEqual({
    code: "immutable",
    message: 'spec.cidr can\'t be changed (it is "10.0.0.0/8"); delete the object and make another',
  });
});
