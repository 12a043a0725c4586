import type { Attachment } from "../../mesh/ipam/resources.ts";
import type { Binding } from "./binding.ts";

/** What this node's kernel is asked about pods: whoever has a wire lives. */
export interface PodWires {
  /** Every wire there is, with the addresses that are routed to it. */
  observe(): Promise<readonly ObservedWire[]>;
  /** Takes routes and proxy entries of an address away. */
  cutOff(binding: Binding): Promise<void>;
  /** MAC address of whoever has an address on the LAN already. */
  probe(address: string): Promise<string | undefined>;
  /** Whether a gateway answers on the LAN. */
  reaches(gateway: string): Promise<boolean>;
}

export interface ObservedWire {
  /** Undefined: somebody else's, or made before wires said it. */
  readonly attachment?: Attachment | undefined;
  readonly addresses: readonly string[];
}
