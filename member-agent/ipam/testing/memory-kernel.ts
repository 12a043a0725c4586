import type { Attachment } from "../../../mesh/ipam/resources.ts";
import { attachmentKey } from "../binding.ts";
import type { Binding } from "../binding.ts";
import type { PodWires } from "../wires.ts";

/** A wire, and what is routed to it. */
export interface MemoryWire {
  readonly attachment: Attachment;
  readonly addresses: readonly string[];
}

/** The wires of a node's pods, which outlive every agent, and nothing else of a kernel. */
export class MemoryKernel {
  readonly #wires = new Map<string, { readonly attachment: Attachment; readonly addresses: Set<string> }>();

  get wires(): readonly MemoryWire[] {
    return [...this.#wires.values()].map(({ attachment, addresses }) => ({ attachment, addresses: [...addresses] }));
  }

  wire(attachment: Attachment, addresses: readonly string[]): void {
    this.#wires.set(attachmentKey(attachment), { attachment, addresses: new Set(addresses) });
  }

  unwire(attachment: Attachment): void {
    this.#wires.delete(attachmentKey(attachment));
  }

  /** Addresses that are routed to an attachment. */
  routed(attachment: Attachment): readonly string[] {
    return [...(this.#wires.get(attachmentKey(attachment))?.addresses ?? [])];
  }

  /** As an agent is given it. @param step awaited before each look and each change */
  portFor(step: () => Promise<void>): PodWires {
    return {
      observe: async () => {
        await step();
        return this.wires;
      },
      cutOff: async ({ attachment, address }: Binding) => {
        await step();
        this.#wires.get(attachmentKey(attachment))?.addresses.delete(address);
      },
      reaches: async () => true,
      probe: async () => {
        await step();
        return undefined;
      },
    };
  }
}
