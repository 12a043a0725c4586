import { addressInCidr, familyOf, parseAddress, parseCidr } from "../mesh/cidr.ts";
import type { Family } from "../mesh/resources.ts";
import type { LabFile } from "./file.ts";
import { lansOf } from "./layout.ts";
import { podsInOrder } from "./state.ts";
import type { LabState, PodState } from "./state.ts";

/** Which ways between a lab's pods are tried, and what must become of them. Pure. */

/** One way from pod to pod to try. */
export interface Trial {
  readonly id: string;
  readonly from: PodState;
  readonly to: PodState;
  readonly family: Family;
  readonly source: string;
  readonly address: string;
}

export interface Trials {
  /** Those that must reach each other by their own addresses. */
  readonly together: readonly Trial[];
  /** Those that must not reach each other. */
  readonly apart: readonly Trial[];
}

/**
 * Every ordered pair of pods, in each family that both have. Between linked clusters a pod whose address is a part of a
 * LAN that its cluster does not announce is not reached, and is seen as its node: nothing is promised of those ways.
 * @param linked ordered pairs of clusters that may talk, as `from>to`
 */
export function trialsAmong(state: Pick<LabState, "file" | "pods">, linked: ReadonlySet<string>): Trials {
  const trials = everyWay(podsInOrder(state));
  const isOfOne = ({ from, to }: Trial): boolean => from.cluster === to.cluster;
  const isLinked = ({ from, to }: Trial): boolean => linked.has(`${from.cluster}>${to.cluster}`);
  const isKnownAbroad = ({ from, to, source, address }: Trial): boolean =>
    !staysAtHome(state.file, from.cluster, source) && !staysAtHome(state.file, to.cluster, address);
  return {
    together: trials.filter((trial) => isOfOne(trial) || (isLinked(trial) && isKnownAbroad(trial))),
    apart: trials.filter((trial) => !isOfOne(trial) && !isLinked(trial)),
  };
}

function everyWay(pods: readonly PodState[]): Trial[] {
  return pods.flatMap((from) =>
    pods
      .filter((to) => to !== from)
      .flatMap((to) =>
        to.addresses.flatMap((address) => {
          const family = familyOf(address);
          const source = from.addresses.find((own) => familyOf(own) === family);
          return source === undefined
            ? []
            : [{ id: `${podPlace(from)}>${podPlace(to)}/${family}`, from, to, family, source, address }];
        }),
      ),
  );
}

/** Of a LAN of the cluster, and of nothing that the lab file says it announces. */
function staysAtHome({ clusters }: LabFile, name: string, address: string): boolean {
  const cluster = clusters.find((each) => each.name === name);
  if (cluster === undefined) return false;
  const isIn = (cidrs: readonly string[]): boolean =>
    cidrs.some((cidr) => addressInCidr(parseCidr(cidr), parseAddress(address)));
  return isIn(lansOf(cluster).flatMap(({ cidrs }) => cidrs)) && !isIn(cluster.allowedCIDRs);
}

/** What people call a pod: CLUSTER/POD. */
export function podPlace({ cluster, name }: Pick<PodState, "cluster" | "name">): string {
  return `${cluster}/${name}`;
}
