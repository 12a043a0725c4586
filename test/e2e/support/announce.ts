import { writeFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { API_VERSION } from "../../../mesh/resources.ts";
import type { TestLab } from "./test-lab.ts";

const clusters = z.array(
  z.object({ metadata: z.object({ name: z.string() }), spec: z.record(z.string(), z.unknown()) }),
);

/** Lets a cluster announce these CIDRs beside its pods, by `trestle apply`. */
export async function announce(lab: TestLab, name: string, allowedCIDRs: readonly string[]): Promise<void> {
  const all = clusters.parse(JSON.parse(await lab.ask("get", "clusters", "--output", "json")));
  const present = all.find(({ metadata }) => metadata.name === name);
  const cluster = {
    apiVersion: API_VERSION,
    kind: "Cluster",
    metadata: { name },
    spec: { ...present?.spec, allowedCIDRs },
  };
  const file = path.join(lab.lab.dir, "cluster.json");
  writeFileSync(file, JSON.stringify(cluster));
  await lab.ask("apply", "--filename", file);
}
