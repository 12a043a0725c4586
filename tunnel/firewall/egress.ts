import { PODS, WAYS } from "./devices.ts";
import type { Json, NftObject } from "./expressions.ts";
import { FAMILIES, MASQUERADE, field, from, is, isNot, jump, notTo, rule } from "./expressions.ts";

/**
 * Pods on the way out of this machine: what is bound for no linked cluster leaves with the machine's address, for nobody
 * out there knows the way back to a pod. Pods of other nodes have met these rules on their own node; here they come in
 * by another device (which a chain of postrouting sees since Linux 5.7, ip_output in net/ipv4/ip_output.c), as those of
 * another CNI do.
 *
 * What is bound for this cluster keeps its source, and so does what a Subnet wants kept: source NAT to itself, which a
 * foreign MASQUERADE can't undo. It comes after the rules for remote clusters and for what kube-proxy marked.
 */
export function egressRules(): NftObject[] {
  return [
    rule("postrouting", [from(PODS), ...WAYS.map(notTo), jump("egress")]),
    ...FAMILIES.flatMap(({ ip, suffix }) => {
      const [source, destination] = [field(ip, "saddr"), field(ip, "daddr")];
      const keep = (match: Json): NftObject => rule("egress", [match, { snat: { family: ip, addr: source } }]);
      return [
        keep(is(destination, `@announced${suffix}`)),
        keep(is(destination, `@inside${suffix}`)),
        keep(is(source, `@kept${suffix}`)),
        rule("egress", [
          is(source, `@masqueraded${suffix}`),
          isNot(destination, `@remote${suffix}`),
          isNot(destination, `@closed${suffix}`),
          MASQUERADE,
        ]),
      ];
    }),
  ];
}
