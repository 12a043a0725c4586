import type { Revision } from "../mesh/resources.ts";
import type { Publisher } from "../platform/mailbox/publisher.ts";
import { compileViews } from "./compile.ts";
import type { HubLevel } from "./level.ts";
import { asInLedger } from "./ranges.ts";

/**
 * Makes every mailbox say what the level says, and takes those away whose member is gone. Views that are there already
 * are no write.
 * @returns each member's desired revision
 * @throws MeshError `superseded`, `store-unreachable` (retry)
 */
export async function publishViews(
  publisher: Publisher,
  { clusters, ledger, resolved }: HubLevel,
  epoch: number,
): Promise<ReadonlyMap<string, Revision>> {
  const revisions = await Promise.all(
    compileViews(asInLedger(clusters, ledger), resolved.pairs).map(async ({ member, pages }) => {
      const head = await publisher.publish(member, pages, epoch);
      return [member, { epoch: head.epoch, generation: head.generation }] as const;
    }),
  );
  const present = new Set(clusters.map((cluster) => cluster.metadata.name));
  const gone = [...publisher.heads().keys()].filter((member) => !present.has(member));
  await Promise.all(gone.map((member) => publisher.forget(member)));
  return new Map(revisions);
}
