import { z } from "zod";
import type {
  Attachment,
  IPInstanceSpec,
  NetworkType,
  OwnerReference,
  PodReference,
} from "../../mesh/ipam/resources.ts";

/** An address that a pod on this node has. */
export interface Binding {
  readonly address: string;
  readonly subnet: string;
  readonly network: string;
  readonly type: NetworkType;
  readonly pod: PodReference;
  readonly owner?: OwnerReference | undefined;
  readonly attachment: Attachment;
  /** The address outlives the pod. */
  readonly retained: boolean;
  /** Its IPInstance was created before the address was used, for that was the claim; others come from this node's blocks. */
  readonly claimed: boolean;
  /** Name of the network configuration that it was asked for by; absent: nobody knows any more. */
  readonly list?: string | undefined;
}

export const binding = z.object({
  address: z.string(),
  subnet: z.string(),
  network: z.string(),
  type: z.enum(["Overlay", "Underlay"]),
  pod: z.object({ namespace: z.string(), name: z.string(), uid: z.string() }),
  owner: z.object({ kind: z.string(), name: z.string(), uid: z.string() }).optional(),
  attachment: z.object({ sandbox: z.string(), interface: z.string() }),
  retained: z.boolean(),
  claimed: z.boolean(),
  list: z.string().optional(),
}) satisfies z.ZodType<Binding>;

/** An attachment as a key: neither of its parts has a slash. */
export function attachmentKey({ sandbox, interface: name }: Attachment): string {
  return `${sandbox}/${name}`;
}

/** Whose bindings they are, each once. */
export function attachmentsOf(bindings: Iterable<Binding>): readonly Attachment[] {
  return [...new Map([...bindings].map(({ attachment }) => [attachmentKey(attachment), attachment])).values()];
}

/** What the store says of an address that a pod on this node has. */
export function boundSpec(of: Binding, node: string): IPInstanceSpec {
  const { address, subnet, network, pod, owner, attachment, retained } = of;
  return { address, subnet, network, node, pod, owner, attachment, retained };
}

/** What it says of an address that is kept for a pod to come. */
export function retainedSpec(of: IPInstanceSpec): IPInstanceSpec {
  const { address, subnet, network, pod, owner } = of;
  return { address, subnet, network, pod, owner, retained: true, interface: interfaceOf(of) };
}

/** Name of the interface that has an address, or that it is kept for; undefined: nobody knows. */
export function interfaceOf(of: IPInstanceSpec): string | undefined {
  return of.attachment?.interface ?? of.interface;
}
