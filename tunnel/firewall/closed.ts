import { TUNNEL_FWMARK } from "../marks.ts";
import type { NftObject, Protocol } from "./expressions.ts";
import { WAYS } from "./devices.ts";
import { ACCEPT, FAMILIES, concat, field, is, isNot, marked, nextHop, notTo, rejectRule, rule } from "./expressions.ts";

/** Comment of the rules that reject. */
export const PAST_TUNNELS = "in clear, past every tunnel";

/**
 * Never in clear, whatever became of our routes: should somebody flush them, backstops and all, the default route is
 * what is left. What is bound for remote clusters leaves by a tunnel or to another node of this cluster, what is bound
 * for this cluster's own pods and nodes by a pod's wire or to the node that has it; the rest is unreachable. So is what
 * is bound for a refused or withdrawn prefix: that has no route, and where a gateway is dialled in it no backstop either.
 *
 * In `output`, too, after destination NAT (-100) had its say, for a Service may be behind a remote address.
 */
export function closedRules(): NftObject[] {
  return [
    ...["forward", "output"].flatMap((chain) => [...closed(chain, "remote"), ...closed(chain, "blocks")]),
    ...closed("forward", "closed"),
    ...outerRules(),
    ...closed("output", "closed"),
  ];
}

/** What tunnels send: WireGuard's packets have its mark, VXLAN's (RFC 7348) a known endpoint and port. */
function outerRules(): NftObject[] {
  const outer = ({ ip }: Protocol) => concat(field(ip, "daddr"), field("udp", "dport"));
  return [
    rule("output", [marked(TUNNEL_FWMARK), ACCEPT]),
    ...FAMILIES.map((family) => rule("output", [is(outer(family), `@outer${family.suffix}`), ACCEPT])),
  ];
}

/** Devices first: nearly every packet of ours is done with there, before a set is looked at. */
function closed(chain: string, destinations: string): NftObject[] {
  return FAMILIES.map(({ ip, suffix, unreachable }) =>
    rejectRule(
      chain,
      [...WAYS.map(notTo), is(field(ip, "daddr"), `@${destinations}${suffix}`), isNot(nextHop(ip), `@nodes${suffix}`)],
      unreachable,
      PAST_TUNNELS,
    ),
  );
}
