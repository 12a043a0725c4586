import { writeFileSync } from "node:fs";
import path from "node:path";
import { API_VERSION } from "../../../mesh/resources.ts";
import type { ClusterLinkSpec } from "../../../mesh/resources.ts";
import type { TestLab } from "./test-lab.ts";

/** Makes links what `specs` says, by name: `trestle apply`. What a spec does not say, the link has no more. */
export async function applyLinks(lab: TestLab, specs: Readonly<Record<string, ClusterLinkSpec>>): Promise<void> {
  const links = Object.entries(specs).map(([name, spec]) => ({
    apiVersion: API_VERSION,
    kind: "ClusterLink",
    metadata: { name },
    spec,
  }));
  const file = path.join(lab.lab.dir, "links.json");
  writeFileSync(file, JSON.stringify(links));
  await lab.ask("apply", "--filename", file);
}
