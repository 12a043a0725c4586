import path from "node:path";
import { contextFile } from "../../../lab/trestle.ts";
import type { TestLab } from "./test-lab.ts";

const PROGRAM = path.join(import.meta.dirname, "pods-program.ts");

/**
 * Makes the hub say, and sign, that these are a cluster's pod CIDRs, whoever has them by its ledger: a hub that errs, or
 * lies.
 */
export async function sayPods(lab: TestLab, cluster: string, podCIDRs: readonly string[]): Promise<void> {
  const words = [PROGRAM, contextFile(lab.lab), cluster, ...podCIDRs];
  await lab.place("hub").run(process.execPath, words, { limitMs: 60_000 });
}
