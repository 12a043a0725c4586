import { addressInCidr, parseAddress, parseCidr } from "../mesh/cidr.ts";
import { withLength } from "./addressing.ts";
import { hubURLs } from "./daemons.ts";
import { layoutOf, podNetns } from "./layout.ts";
import type { Lan } from "./layout.ts";
import { stateOf } from "./state.ts";
import type { Lab } from "./state.ts";

export type PodNetwork = "overlay" | "underlay";

/** What `lab show --output json` prints. */
export interface LabShape {
  /** `nats` is the first of the URLs that members dial. */
  readonly hub: { readonly netns: string; readonly nats: string };
  readonly clusters: readonly {
    readonly name: string;
    readonly podCIDRs: readonly string[];
    /** As a lab file says it: a range, or a list of them where there are several. */
    readonly lan: string | readonly string[];
    /** Its addresses are those of its uplink to the WAN. */
    readonly router: { readonly netns: string; readonly addresses: readonly string[]; readonly nat: boolean };
    readonly nodes: readonly {
      readonly name: string;
      readonly netns: string;
      readonly addresses: readonly string[];
      readonly gateway: boolean;
    }[];
    readonly pods: readonly {
      readonly name: string;
      readonly netns: string;
      readonly node: string;
      readonly network: PodNetwork;
      readonly addresses: readonly string[];
    }[];
  }[];
}

/** What is where in a lab. @throws MeshError `no-lab` */
export function shapeOf(lab: Lab): LabShape {
  const state = stateOf(lab);
  const layout = layoutOf(lab.name, state.file);
  const [nats = ""] = hubURLs(layout);
  return {
    hub: { netns: layout.hub.netns, nats },
    clusters: layout.sites.map(({ cluster, netns: routerNetns, lans, uplink, nat, nodes }) => ({
      name: cluster,
      podCIDRs: state.podCIDRs[cluster] ?? [],
      lan: oneOrAll(lans.flatMap(({ cidrs }) => cidrs)),
      router: { netns: routerNetns, addresses: uplink.map(withLength), nat },
      nodes: nodes.map(({ name, netns, attachments, gateway }) => ({
        name,
        netns,
        addresses: attachments.map(withLength),
        gateway,
      })),
      pods: state.pods
        .filter((pod) => pod.cluster === cluster)
        .map(({ name, node, addresses }) => ({
          name,
          netns: podNetns(lab.name, cluster, name),
          node,
          network: networkOf(addresses, lans),
          addresses,
        })),
    })),
  };
}

/** Addresses of an underlay are those of the machines' own LANs. */
function networkOf(addresses: readonly string[], lans: readonly Lan[]): PodNetwork {
  const cidrs = lans.flatMap((lan) => lan.cidrs).map(parseCidr);
  const isOfLan = addresses.map(parseAddress).some((address) => cidrs.some((cidr) => addressInCidr(cidr, address)));
  return isOfLan ? "underlay" : "overlay";
}

function oneOrAll(list: readonly string[]): string | readonly string[] {
  const [only, ...more] = list;
  return only !== undefined && more.length === 0 ? only : list;
}
