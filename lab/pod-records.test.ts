import { expect, test } from "@jest/globals";
import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { systemClock } from "../platform/clock.ts";
import { recordPods } from "./pod-records.ts";
import { parseLabFile } from "./read-file.ts";
import { createState, openLab, stateOf } from "./state.ts";

const FILE = `
pools: [{ name: pods, cidr: 10.64.0.0/12, clusterPrefixLength: 16 }]
clusters: [{ name: east, lan: 192.168.1.0/24, nodes: [{ name: a, gateway: true }] }]
`;

test("pods that are written down again keep their place and what became of them, new ones come last", async () => {
  const lab = openLab(`r${randomBytes(4).toString("hex")}`, systemClock);
  createState(lab, parseLabFile(FILE, "test.yaml"));
  try {
    const pod = (name: string) => {
      return { cluster: "east", name, node: "a", namespace: "default", annotations: {}, uid: `uid-${name}` };
    };
    await recordPods(lab, [pod("one"), pod("two")]);
    const [again, fresh] = await recordPods(lab, [{ ...pod("one"), uid: "another" }, pod("three")]);
    expect(stateOf(lab).pods.map(({ name }) => name)).toEqual(["one", "two", "three"]);
    expect([again?.uid, again?.addresses, fresh?.addresses]).toEqual(["another", [], []]);
  } finally {
    rmSync(lab.dir, { recursive: true, force: true });
  }
});
