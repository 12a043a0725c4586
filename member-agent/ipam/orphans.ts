import type { Attachment } from "../../mesh/ipam/resources.ts";
import { attachmentKey, attachmentsOf } from "./binding.ts";
import type { ReconcilerParts } from "./reconciler.ts";
import type { ObservedWire, PodWires } from "./wires.ts";

export interface OrphanParts extends ReconcilerParts {
  readonly wires: Pick<PodWires, "observe">;
  /** Keys of attachments that are asked for: noted here from now on, so that none of them is taken for an orphan. */
  readonly asked: Set<string>;
  /** Writes down that nobody has an attachment's addresses. */
  readonly release: (attachment: Attachment) => Promise<void>;
}

/** Whoever has addresses and no wire is gone: they are given back. @throws MeshError of a program, `journal-failed` */
export async function freeOrphans(parts: OrphanParts): Promise<void> {
  const { stock, wires, asked, inTurn, log } = parts;
  const { book } = stock;
  asked.clear();
  const before = attachmentsOf(book.bindings.values()).filter((attachment) => !stock.isBusy(attachment));
  const present = await wires.observe();
  const wired = new Set(present.flatMap((wire) => wire.attachment ?? []).map(attachmentKey));
  for (const attachment of before) {
    const key = attachmentKey(attachment);
    // What was asked for since may have got its wire after the look, and be settled already.
    if (wired.has(key) || asked.has(key)) continue;
    const bindings = book.of(attachment);
    const [first] = bindings;
    if (first === undefined) continue;
    const { sandbox } = attachment;
    log.info(
      { event: "orphan-freed", sandbox, addresses: bindings.map(({ address }) => address) },
      `sandbox ${sandbox} has no wire any more; its addresses are given back`,
    );
    await inTurn(first.pod, () => free(parts, attachment, present));
  }
}

async function free(
  { stock, cutOff, release }: OrphanParts,
  attachment: Attachment,
  wires: readonly ObservedWire[],
): Promise<void> {
  for (const binding of stock.book.of(attachment)) {
    // Whoever comes in its place asks the LAN as soon as the store says that nobody has the address.
    if (binding.type === "Underlay") await cutOff(binding);
    // The wire of a former sandbox that was about to make way may have it still.
    const routing = wires.filter(({ addresses }) => addresses.includes(binding.address));
    for (const former of routing.flatMap((wire) => wire.attachment ?? [])) {
      await cutOff({ ...binding, attachment: former });
    }
  }
  await release(attachment);
}
