import type { Revision } from "../mesh/resources.ts";
import type { Publisher } from "../platform/mailbox/publisher.ts";
import { compileViews } from "./compile.ts";
import type { Compilation } from "./compile.ts";
import type { HubLevel } from "./level.ts";
import { asInLedger } from "./ranges.ts";

/**
 * Makes every mailbox say what a level says, and takes those away whose member is gone. Views that are there already are
 * no write. It resolves with each member's desired revision.
 * @throws MeshError `superseded`, `store-unreachable` (retry)
 */
export type PublishViews = (level: HubLevel) => Promise<ReadonlyMap<string, Revision>>;

/** Publishes level after level, and compiles of each only what is not as it was in the one before. */
export function viewPublishing(publisher: Publisher, epoch: number): PublishViews {
  let former: Compilation | undefined;
  return async ({ clusters, ledger, resolved }) => {
    const { views } = (former = compileViews(asInLedger(clusters, ledger), resolved, former));
    const revisions = await Promise.all(
      [...views].map(async ([member, pages]) => {
        const head = await publisher.publish(member, pages, epoch);
        return [member, { epoch: head.epoch, generation: head.generation }] as const;
      }),
    );
    const present = new Set(clusters.map((cluster) => cluster.metadata.name));
    const gone = [...publisher.heads().keys()].filter((member) => !present.has(member));
    await Promise.all(gone.map((member) => publisher.forget(member)));
    return new Map(revisions);
  };
}
