import { familyOf } from "../../mesh/cidr.ts";
import { KUBE_MASQUERADE_MARK } from "../marks.ts";
import type { Json, NftObject, Protocol } from "./expressions.ts";
import { ACCEPT, FAMILIES, field, is, isNot, marked, rule } from "./expressions.ts";

/**
 * Source addresses on the way out, decided before everybody else's masquerading: the first NAT chain that decides wins,
 * while `accept` and `return` would not stop a later one.
 *
 * - What kube-proxy marked goes to a remote cluster with the node's mesh address, for no other is let in there and back.
 *   Marked and bound for this cluster, it is kube-proxy's: the answer has to come back through this node.
 * - Announced to remote and remote to announced keep the source they have: source NAT to itself, which a foreign
 *   MASQUERADE can't undo. Only there: a pod that reaches itself through its own Service needs its masquerading.
 * - Everything else bound for a remote cluster (a program bound to a LAN address, containers behind a bridge of their
 *   own) has a source that means nothing over there: the node's mesh address, too.
 */
export function natRules(nodeAddresses: readonly string[]): NftObject[] {
  const meshAddress = ({ suffix }: Protocol) =>
    nodeAddresses.find((address) => familyOf(address) === (suffix === "6" ? 6 : 4));
  const perFamily = (matches: (family: Protocol) => readonly Json[], to: (family: Protocol) => Json | undefined) =>
    FAMILIES.flatMap((family) => {
      const addr = to(family);
      return addr === undefined
        ? []
        : [rule("postrouting", [...matches(family), { snat: { family: family.ip, addr } }])];
    });
  const toRemote = ({ ip, suffix }: Protocol) => is(field(ip, "daddr"), `@remote${suffix}`);
  const source = ({ ip }: Protocol) => field(ip, "saddr");
  return [
    ...perFamily((family) => [toRemote(family), marked(KUBE_MASQUERADE_MARK)], meshAddress),
    rule("postrouting", [marked(KUBE_MASQUERADE_MARK), ACCEPT]),
    ...perFamily((family) => [is(source(family), `@announced${family.suffix}`), toRemote(family)], source),
    ...perFamily(
      (family) => [
        is(source(family), `@remote${family.suffix}`),
        is(field(family.ip, "daddr"), `@announced${family.suffix}`),
      ],
      source,
    ),
    ...perFamily((family) => [toRemote(family), isNot(source(family), `@announced${family.suffix}`)], meshAddress),
  ];
}
