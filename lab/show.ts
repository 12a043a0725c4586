import { layoutOf, podNetns } from "./layout.ts";
import { stateOf } from "./state.ts";
import type { Lab } from "./state.ts";

/** What `lab show --output json` prints. */
export interface LabShape {
  readonly hub: { readonly netns: string; readonly nats: string };
  readonly clusters: readonly {
    readonly name: string;
    readonly podCIDRs: readonly string[];
    readonly lan: string;
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
      readonly network: string;
      readonly addresses: readonly string[];
    }[];
  }[];
}

/** What is where in a lab. @throws MeshError `no-lab` */
export function shapeOf(lab: Lab): LabShape {
  const state = stateOf(lab);
  const { hub, sites } = layoutOf(lab.name, state.file);
  return {
    hub: { netns: hub.netns, nats: `tls://${hub.address}:4222` },
    clusters: sites.map(({ cluster, lan, nodes, prefixLength }) => ({
      name: cluster,
      podCIDRs: state.podCIDRs[cluster] ?? [],
      lan,
      nodes: nodes.map(({ name, netns, address, gateway }) => ({
        name,
        netns,
        addresses: [`${address}/${prefixLength}`],
        gateway,
      })),
      pods: state.pods
        .filter((pod) => pod.cluster === cluster)
        .map(({ name, node, addresses }) => ({
          name,
          netns: podNetns(lab.name, cluster, name),
          node,
          network: "overlay",
          addresses,
        })),
    })),
  };
}
