import { z } from "zod";
import { revision } from "../crds/wire/report.ts";
import { compareRevisions } from "../mesh/revision.ts";
import type { Revision } from "../mesh/resources.ts";
import type { Site } from "./layout.ts";
import { stateOf } from "./state.ts";
import type { Lab } from "./state.ts";
import { withLogs } from "./target.ts";
import type { Target } from "./target.ts";
import { askCluster, hubStatus } from "./trestle.ts";
import { waitUntil } from "./wait.ts";

const nodes = z.array(
  z.object({
    metadata: z.object({ name: z.string() }),
    status: z.object({ appliedRevision: revision.optional() }),
  }),
);

/** Waits until the kernel of every node holds what the hub published to its cluster last. */
export async function awaitTables({ lab, layout }: Target, signal: AbortSignal): Promise<void> {
  let lacking: readonly string[] = [];
  const look = async (): Promise<true | undefined> => {
    const { clusters } = await hubStatus(lab, layout, signal);
    const late = layout.sites.map(async (site) => {
      const published = clusters.find(({ name }) => name === site.cluster)?.desired;
      return published === undefined ? [] : lateNodes(lab, site, published, signal);
    });
    lacking = (await Promise.all(late)).flat();
    return lacking.length === 0 ? true : undefined;
  };
  const agents = layout.sites.flatMap((site) => site.nodes.map(({ name }) => `agent:${site.cluster}/${name}`));
  const missing = (): string => `the tables of ${lacking.join(", ")} are not what the hub published`;
  await withLogs(lab, agents, () =>
    waitUntil(look, missing, { clock: lab.clock, signal, limitMs: 180_000, everyMs: 100 }),
  );
}

/** Nodes of a site whose agent has not said yet that its kernel holds `published` or more. */
async function lateNodes(lab: Lab, site: Site, published: Revision, signal: AbortSignal): Promise<string[]> {
  const said = nodes.parse(
    JSON.parse(await askCluster(lab, stateOf(lab), site, ["get", "nodes", "--output", "json"], signal)),
  );
  const held = new Map(said.map(({ metadata, status }) => [metadata.name, status.appliedRevision]));
  return site.nodes
    .filter(({ name }) => {
      const applied = held.get(name);
      return applied === undefined || compareRevisions(applied, published) < 0;
    })
    .map(({ name }) => `${site.cluster}/${name}`);
}
