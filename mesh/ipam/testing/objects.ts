import { objectNameOfAddress } from "../../names.ts";
import { API_VERSION } from "../../resources.ts";
import { metadata } from "../../testing/objects.ts";
import type { IPInstance, IPInstanceSpec, Network, NetworkSpec, Subnet, SubnetSpec } from "../resources.ts";

/** Objects of the address management, whole, of the parts that a test is about. */

export function network(name: string, spec: Partial<NetworkSpec> = {}): Network {
  return {
    apiVersion: API_VERSION,
    kind: "Network",
    metadata: metadata(name),
    spec: { type: "Overlay", nodeSelector: {}, ...spec },
    status: { conditions: [] },
  };
}

export function subnetSpec(cidr: string, spec: Partial<SubnetSpec> = {}): SubnetSpec {
  const kept = { excludeIPs: [], reservedIPs: [], private: false, disabled: false, nodeSelector: {} };
  return { network: "overlay", cidr, ...kept, ...spec };
}

export function subnet(name: string, cidr: string, spec: Partial<SubnetSpec> = {}): Subnet {
  return {
    apiVersion: API_VERSION,
    kind: "Subnet",
    metadata: metadata(name),
    spec: subnetSpec(cidr, spec),
    status: { total: 0, used: 0, available: 0, conditions: [] },
  };
}

/** An address of a pod that runs, unless told otherwise. */
export function instance(address: string, of: string, spec: Partial<IPInstanceSpec> = {}): IPInstance {
  return {
    apiVersion: API_VERSION,
    kind: "IPInstance",
    metadata: metadata(objectNameOfAddress(address)),
    spec: {
      address,
      subnet: of,
      network: "overlay",
      node: "a",
      pod: { namespace: "shop", name: "web-0", uid: "uid-web-0" },
      attachment: { sandbox: "sandbox-1", interface: "eth0" },
      retained: false,
      ...spec,
    },
    status: { phase: "Bound" },
  };
}
