import path from "node:path";
import { eventually } from "../../../platform/testing/eventually.ts";
import { usedBySubnet } from "./pod-addresses.ts";
import type { TestLab } from "./test-lab.ts";

const SUBNETS = path.join(import.meta.dirname, "..", "subnets.yaml");

/** Puts the Subnets of subnets.yaml in the place of those that cover all of a cluster's pod CIDRs, as a person would. */
export async function cutRange(lab: TestLab, cluster: string): Promise<void> {
  const names = Object.keys(await usedBySubnet(lab, cluster));
  for (const name of names) await lab.at(cluster, "subnet", "delete", name);
  // They go when the leading gateway has seen that no address of them is in use.
  await eventually(async () => {
    const left = Object.keys(await usedBySubnet(lab, cluster));
    return left.length === 0 || left;
  });
  await lab.at(cluster, "apply", "-f", SUBNETS);
}
