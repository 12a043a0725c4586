import { gatewayKind } from "../../crds/gateway.ts";
import { ipBlockKind } from "../../crds/ip-block.ts";
import { ipInstanceKind } from "../../crds/ip-instance.ts";
import { membershipKind } from "../../crds/membership.ts";
import { networkKind } from "../../crds/network.ts";
import { nodeKind } from "../../crds/node.ts";
import { remoteClusterKind } from "../../crds/remote-cluster.ts";
import { subnetKind } from "../../crds/subnet.ts";
import { addressInUse, networkInUse, subnetInUse } from "../../mesh/ipam/in-use.ts";
import { addressOrder, ipBlockColumns, ipBlockName } from "./ip-block.ts";
import { ipColumns, ipInstanceName } from "./ip-instance.ts";
import { gatewayColumns, membershipColumns, nodeColumns, remoteClusterColumns } from "./member.ts";
import { networkColumns } from "./network.ts";
import { subnetColumns } from "./subnet.ts";
import { known } from "./known-kind.ts";
import type { KnownKind } from "./known-kind.ts";

const AGENTS = "the cluster's agents write it";

/** What a cluster's own store holds. */
export const memberKinds: readonly KnownKind[] = [
  known({
    kind: membershipKind,
    place: "member",
    aliases: [],
    columns: membershipColumns,
    authored: "use `trestle join`",
    deletion: { by: "nobody", why: "use `trestle leave`" },
  }),
  known({
    kind: gatewayKind,
    place: "member",
    aliases: [],
    columns: gatewayColumns,
    authored: AGENTS,
    deletion: { by: "store" },
  }),
  known({
    kind: remoteClusterKind,
    place: "member",
    aliases: ["remote", "remotes"],
    columns: remoteClusterColumns,
    authored: AGENTS,
    deletion: { by: "nobody", why: "delete the link on the hub" },
  }),
  known({
    kind: nodeKind,
    place: "member",
    aliases: [],
    columns: nodeColumns,
    authored: AGENTS,
    deletion: { by: "store" },
  }),
  known({
    kind: ipBlockKind,
    place: "member",
    aliases: ["block", "blocks"],
    columns: ipBlockColumns,
    order: addressOrder,
    nameOf: ipBlockName,
    authored: AGENTS,
    // Its node may have given addresses of it away that the store has not heard of yet.
    deletion: { by: "nobody", why: "its node gives it back; delete the Node of a machine that is gone" },
  }),
  known({
    kind: networkKind,
    place: "member",
    aliases: [],
    columns: networkColumns,
    authored: true,
    deletion: {
      by: "store",
      refusal: async (name, peers) => {
        const network = await peers.get(networkKind, name);
        return network && networkInUse(network, await peers.list(subnetKind));
      },
    },
  }),
  known({
    kind: subnetKind,
    place: "member",
    aliases: [],
    columns: subnetColumns,
    authored: true,
    deletion: {
      by: "store",
      refusal: async (name, peers) => {
        const subnet = await peers.get(subnetKind, name);
        return subnet && subnetInUse(subnet, await peers.list(ipInstanceKind));
      },
    },
  }),
  known({
    kind: ipInstanceKind,
    place: "member",
    aliases: ["ip", "ips"],
    columns: ipColumns,
    order: addressOrder,
    nameOf: ipInstanceName,
    authored: "use `trestle ip create`",
    deletion: {
      by: "store",
      refusal: async (name, peers) => {
        const instance = await peers.get(ipInstanceKind, name);
        return instance && addressInUse(instance);
      },
    },
  }),
];
