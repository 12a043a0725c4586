import type { NftObject, Protocol } from "./expressions.ts";
import { FAMILIES, field, is, isNot, nextHop, notTo, rejectRule } from "./expressions.ts";

/** Comment of the rules below. */
export const PAST_TUNNELS = "in clear, past every tunnel";

/** Tunnels, pods' wires, and this machine itself. */
const WAYS = ["trs*", "tp*", "lo"];

/**
 * Never in clear, whatever became of our routes: should somebody flush them, backstops and all, the default route is
 * what is left. What is bound for remote clusters leaves by a tunnel or to another node of this cluster, what is bound
 * for this cluster's own pods and nodes by a pod's wire or to the node that has it; the rest is unreachable.
 *
 * In `output`, too, after destination NAT (-100) had its say, for a Service may be behind a remote address.
 */
export function closedRules(): NftObject[] {
  return ["forward", "output"].flatMap((chain) =>
    FAMILIES.flatMap((family) => [`@remote${family.suffix}`, `@blocks${family.suffix}`].map(closed(chain, family))),
  );
}

/** Devices first: nearly every packet of ours is done with there, before a set is looked at. */
function closed(chain: string, { ip, suffix, unreachable }: Protocol): (destinations: string) => NftObject {
  return (destinations) =>
    rejectRule(
      chain,
      [...WAYS.map(notTo), is(field(ip, "daddr"), destinations), isNot(nextHop(ip), `@nodes${suffix}`)],
      unreachable,
      PAST_TUNNELS,
    );
}
