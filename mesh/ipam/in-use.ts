import { parseAddress } from "../cidr.ts";
import type { Refusal } from "../refusal.ts";
import type { IPInstance, Network, PodReference, Subnet } from "./resources.ts";
import { addressInSpan, readSpan } from "./span.ts";
import type { Span } from "./span.ts";

/** Why something has to stay (`in-use`): what goes with it is in use. */

/** Why a Network can't be deleted: Subnets are of it. */
export function networkInUse(network: Network, subnets: readonly Subnet[]): Refusal | undefined {
  const own = subnets.filter(({ spec }) => spec.network === network.metadata.name).map(({ metadata }) => metadata.name);
  return own.length === 0
    ? undefined
    : {
        code: "in-use",
        message: `Network "${network.metadata.name}" still has Subnets: ${own.slice(0, 5).join(", ")}${own.length > 5 ? ` and ${own.length - 5} more` : ""}; delete them first`,
      };
}

/** Why a Subnet can't be deleted: pods have addresses of it, or addresses are kept for them. */
export function subnetInUse(subnet: Subnet, instances: readonly IPInstance[]): Refusal | undefined {
  const own = instances.filter(({ spec }) => spec.subnet === subnet.metadata.name);
  const [first] = own;
  if (first === undefined) return undefined;
  const kept = own.filter(({ spec }) => spec.retained).length;
  return {
    code: "in-use",
    message: `Subnet "${subnet.metadata.name}" still has addresses in use (${own.length}, of which ${kept} retained), e.g. ${whose(first)}; delete those pods, or disable the Subnet until they are gone`,
  };
}

/**
 * Why a Subnet can't exclude what it does: somebody has it.
 * @param instances the Subnet's, others too
 * @param previous what it excluded already is not judged again: whoever changes something else now did not do that
 */
export function excludedInUse(
  subnet: Subnet,
  instances: readonly IPInstance[],
  previous?: Subnet,
): Refusal | undefined {
  // What is changed may have come past admission.
  const spansOf = (of: Subnet | undefined): Span[] =>
    (of?.spec.excludeIPs ?? []).flatMap((text) => readSpan(text).value ?? []);
  const [now, before] = [spansOf(subnet), spansOf(previous)];
  const isAmong = (spans: readonly Span[], text: string): boolean =>
    spans.some((span) => addressInSpan(span, parseAddress(text)));
  const used = instances
    .filter(({ spec }) => spec.subnet === subnet.metadata.name)
    .find(({ spec }) => isAmong(now, spec.address) && !isAmong(before, spec.address));
  return (
    used && {
      code: "in-use",
      message: `Subnet "${subnet.metadata.name}" can't exclude ${whose(used)}; ${isKept(used) ? "release it" : "delete that pod"} first`,
    }
  );
}

/** Why an address can't be released: a pod runs with it, and would go on to. */
export function addressInUse(instance: IPInstance): Refusal | undefined {
  const { address, pod, node } = instance.spec;
  return isKept(instance)
    ? undefined
    : {
        code: "in-use",
        message: `${address} is in use by ${podText(pod)}${node === undefined ? "" : ` on node "${node}"`}; delete that pod, and its address is released with it or can be`,
      };
}

/** No pod has it: it waits for one to come. */
export function isKept({ spec }: IPInstance): boolean {
  return spec.node === undefined && spec.attachment === undefined;
}

/** `shop/web-0` */
export function podText({ namespace, name }: Pick<PodReference, "namespace" | "name">): string {
  return `${namespace}/${name}`;
}

function whose(instance: IPInstance): string {
  const { address, pod } = instance.spec;
  return `${address} (${isKept(instance) ? "kept for" : "of"} ${podText(pod)})`;
}
