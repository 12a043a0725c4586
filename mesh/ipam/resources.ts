import type { Condition, Resource } from "../resources.ts";

/**
 * What a member's own address management stores: four kinds, all of the member's store. Addresses and CIDRs are
 * canonical text, as in ../resources.ts.
 */

/** `Overlay`: from the cluster's own pod CIDRs. `Underlay`: from the LAN of the machines. */
export type NetworkType = "Overlay" | "Underlay";

/** Labels an object must have, every one of them; empty: any object will do. */
export type NodeSelector = Readonly<Record<string, string>>;

export interface NetworkSpec {
  readonly type: NetworkType;
  /** Machines whose pods may have addresses of it. An overlay spans all of them: empty. */
  readonly nodeSelector: NodeSelector;
}
export interface NetworkStatus {
  /** Of each family that it has Subnets of. */
  readonly ipv4?: AddressCounts | undefined;
  readonly ipv6?: AddressCounts | undefined;
  /** Subnet that an address was last taken from. */
  readonly lastAllocatedSubnet?: string | undefined;
  readonly conditions: readonly Condition[];
}

/** Addresses that pods may have; `available` are those that are neither used nor reserved. */
export interface AddressCounts {
  readonly total: number;
  readonly used: number;
  readonly available: number;
}

export interface SubnetSpec {
  readonly network: string;
  readonly cidr: string;
  /** First and last address that may be issued, both included; absent: all of the CIDR. */
  readonly range?: { readonly start: string; readonly end: string } | undefined;
  /** Router of the LAN: inside the CIDR, never issued, or link-local. An overlay needs none. */
  readonly gateway?: string | undefined;
  /** Never issued: addresses, or ranges as `first-last`. */
  readonly excludeIPs: readonly string[];
  /** Issued to who asks for them by name, and to nobody else: addresses, or ranges as `first-last`. */
  readonly reservedIPs: readonly string[];
  /** Length of the blocks that nodes claim of it, e.g. 24 or 120; overlay only, absent: see blockLengthOf. */
  readonly blockSize?: number | undefined;
  /** Used only by who asks for it by name. */
  readonly private: boolean;
  /** Nothing is issued from it any more; what is in use stays and is released as ever. */
  readonly disabled: boolean;
  /** Machines it is kept for; considered before Subnets that are for any. */
  readonly nodeSelector: NodeSelector;
  /**
   * Packets of its pods to where no linked cluster's prefixes are leave with their node's address; absent: those of an
   * overlay do, those of an underlay, which the LAN knows, don't.
   */
  readonly masquerade?: boolean | undefined;
  /** Underlay only: an address is given to a pod only while the gateway answers on the LAN. */
  readonly checkGateway?: boolean | undefined;
}
export interface SubnetStatus extends AddressCounts {
  readonly conditions: readonly Condition[];
}

/** An address in use or kept, named by it ({@link objectNameOfAddress}): creating it is the claim. */
export interface IPInstanceSpec {
  readonly address: string;
  readonly subnet: string;
  readonly network: string;
  /** Absent while it is kept for a pod that does not run. */
  readonly node?: string | undefined;
  readonly pod: PodReference;
  /** Of the pod's controller: what keeps the address while there is no pod. */
  readonly owner?: OwnerReference | undefined;
  /** Sandbox and interface that have it now (CNI_CONTAINERID, CNI_IFNAME); absent while no pod runs. */
  readonly attachment?: Attachment | undefined;
  /** The address outlives the pod. */
  readonly retained: boolean;
  /** CNI_IFNAME of the interface that it is kept for while no pod runs; absent: of whichever asks first. */
  readonly interface?: string | undefined;
}
export interface IPInstanceStatus {
  /** `Bound`: a pod has it. `Retained`: kept for a pod to come. */
  readonly phase: "Bound" | "Retained";
}

export interface PodReference {
  readonly namespace: string;
  readonly name: string;
  /** Of this very pod: one of the same name that comes later has another. */
  readonly uid: string;
}

export interface OwnerReference {
  /** E.g. StatefulSet. */
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

/** One interface of one sandbox, as the CNI specification tells them apart. */
export interface Attachment {
  readonly sandbox: string;
  readonly interface: string;
}

export type Network = Resource<"Network", NetworkSpec, NetworkStatus>;
export type Subnet = Resource<"Subnet", SubnetSpec, SubnetStatus>;
export type IPInstance = Resource<"IPInstance", IPInstanceSpec, IPInstanceStatus>;
