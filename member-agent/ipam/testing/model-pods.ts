import { ANNOTATIONS } from "../../../mesh/ipam/annotations.ts";
import type { PodFacts } from "../../../mesh/ipam/annotations.ts";
import type { Attachment, OwnerReference } from "../../../mesh/ipam/resources.ts";
import type { Subnets } from "./model-cluster.ts";

/**
 * What a pod of the model is: of a Deployment, of a StatefulSet, with addresses by name that were reserved ever since
 * (`fixed`) or a moment ago (`named`); on the overlay or on the LAN.
 */
export type Sort = "plain" | "set" | "fixed" | "named" | "lan" | "lan-set";

/** Names of pods that may be, one at a time each. */
export const SLOTS: readonly { readonly name: string; readonly sort: Sort }[] = [
  ...["a", "b", "c", "d"].map((name) => ({ name, sort: "plain" }) as const),
  ...["web-0", "web-1"].map((name) => ({ name, sort: "set" }) as const),
  { name: "fixed", sort: "fixed" },
  { name: "named", sort: "named" },
  ...["k", "l"].map((name) => ({ name, sort: "lan" }) as const),
  { name: "db-0", sort: "lan-set" },
];

/** A pod that was asked for, and what became of it. */
export interface ModelPod {
  readonly facts: PodFacts;
  readonly node: string;
  /** The newest one. */
  attachment: Attachment;
  /** What it was told to have; undefined: nothing yet, or nothing that it still counts on. */
  addresses: readonly string[] | undefined;
  /** DEL was asked for, and has not been answered yet. */
  isEnding: boolean;
}

/** A slot, over all its pods. */
export class ModelSlot {
  readonly name: string;
  readonly sort: Sort;
  pod: ModelPod | undefined;
  /** Of a StatefulSet's pod: what it had when it ran last, and is to have again. */
  kept: readonly string[] | undefined;
  /** Sandboxes that are no more, for DELs that come late. */
  readonly former: { readonly node: string; readonly attachment: Attachment }[] = [];
  /** Of the StatefulSet; another one after it was deleted. */
  #generation = 0;
  #pods = 0;
  #sandboxes = 0;

  constructor({ name, sort }: { readonly name: string; readonly sort: Sort }) {
    this.name = name;
    this.sort = sort;
  }

  get retains(): boolean {
    return this.sort === "set" || this.sort === "lan-set";
  }

  get owner(): OwnerReference | undefined {
    const name = this.name.split("-")[0] ?? "";
    return this.retains ? { kind: "StatefulSet", name, uid: `${name}-${this.#generation}` } : undefined;
  }

  /** Deletes its set and makes a new one. */
  renewOwner(): void {
    this.#generation += 1;
    this.kept = undefined;
  }

  /** @param named what it asks for, where that is not the same for all of the slot's pods */
  newPod(node: string, subnets: Subnets, named?: string): ModelPod {
    this.#pods += 1;
    const facts: PodFacts = {
      pod: { namespace: "shop", name: this.name, uid: `${this.name}.${this.#pods}` },
      annotations: named === undefined ? this.#annotations(subnets) : { [ANNOTATIONS.ip]: named },
      namespaceAnnotations: {},
      owner: this.owner,
    };
    this.pod = { facts, node, attachment: this.newAttachment(), addresses: undefined, isEnding: false };
    return this.pod;
  }

  newAttachment(): Attachment {
    this.#sandboxes += 1;
    return { sandbox: `${this.name}.s${this.#sandboxes}`, interface: "eth0" };
  }

  /** Those by name are the first that each Subnet reserves. */
  #annotations(subnets: Subnets): Record<string, string> {
    if (this.sort === "fixed") {
      const reserved = Object.values(subnets).flatMap(({ reservedIPs }) => reservedIPs[0]?.split("-")[0] ?? []);
      return { [ANNOTATIONS.ip]: reserved.join(",") };
    }
    return this.sort === "plain" || this.sort === "set" ? {} : { [ANNOTATIONS.networkType]: "Underlay" };
  }
}
