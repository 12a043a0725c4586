import type { Attachment } from "../../mesh/ipam/resources.ts";
import { attachmentKey } from "./binding.ts";
import type { ReconcilerParts } from "./reconciler.ts";
import type { PodWires } from "./wires.ts";

export interface OrphanParts extends ReconcilerParts {
  readonly wires: Pick<PodWires, "observe">;
  /** Keys of attachments that were asked for since this began; emptied by it. */
  readonly asked: Set<string>;
  /** Gives all back that an attachment has. Called in the turn of its pod. */
  readonly release: (attachment: Attachment) => Promise<void>;
}

/** Gives back what sandboxes have that have no wire any more. */
export async function freeOrphans(parts: OrphanParts): Promise<void> {
  const { stock, wires, asked, log } = parts;
  const { book } = stock;
  asked.clear();
  const before = new Map(
    [...book.bindings.values()].flatMap(({ attachment }) =>
      stock.isBusy(attachment) ? [] : [[attachmentKey(attachment), attachment]],
    ),
  );
  const wired = new Set((await wires.observe()).flatMap((wire) => wire.attachment ?? []).map(attachmentKey));
  for (const [key, attachment] of before) {
    // What was asked for since may have got its wire after the look, and be settled already.
    if (wired.has(key) || asked.has(key)) continue;
    const addresses = book.of(attachment).map(({ address }) => address);
    const event = { event: "orphan-freed", sandbox: attachment.sandbox, addresses };
    log.info(event, `sandbox ${attachment.sandbox} has no wire any more; its addresses are given back`);
    await freeOrphan(parts, attachment);
  }
}

async function freeOrphan({ stock: { book }, cutOff, inTurn, release }: OrphanParts, attachment: Attachment) {
  const [{ pod } = {}] = book.of(attachment);
  if (pod === undefined) return;
  await inTurn(pod, async () => {
    // Whoever comes in its place asks the LAN as soon as the store says that nobody has the address.
    for (const binding of book.of(attachment)) if (binding.type === "Underlay") await cutOff(binding);
    await release(attachment);
  });
}
