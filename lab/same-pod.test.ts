import { expect, test } from "@jest/globals";
import { requireSamePod } from "./same-pod.ts";
import type { PodState } from "./state.ts";

const owner = { kind: "StatefulSet", name: "web" };
const annotations = { "trestle.dev/subnet": "office" };
const present: PodState = {
  cluster: "east",
  name: "web-0",
  node: "a",
  namespace: "shop",
  owner,
  annotations,
  uid: "1",
  addresses: [],
};

test("the same pod may be asked for again", () => {
  expect(() => requireSamePod(present, { namespace: "shop", owner: { ...owner }, annotations })).not.toThrow();
});

test.each([
  [{ namespace: "default", owner, annotations }, "namespace"],
  [{ namespace: "shop", annotations }, "owner"],
  [{ namespace: "shop", owner: { ...owner, name: "db" }, annotations: {} }, "owner and annotations"],
])("a pod is not made another one in passing: %j", (wish, differing) => {
  expect(() => requireSamePod(present, wish)).toThrow(
    `east/web-0 is there already, and differs in its ${differing}; trestle lab pod remove east/web-0 first`,
  );
});
