import { byAge } from "../age.ts";
import { parseCidr } from "../cidr.ts";
import { enclosing } from "../nesting.ts";
import type { Refusal } from "../refusal.ts";
import { collision, networkAmong } from "./among.ts";
import { networkRefusals, subnetRefusals } from "./checks.ts";
import type { Network, Subnet } from "./resources.ts";

/**
 * Which Networks and Subnets are acted on. Admission looks first and writes then, so two that collide can be created at
 * once. The younger is out of force then: nodes issue nothing by it, and its conditions say why.
 *
 * Whatever collides with an elder is out, and be that one out itself: admission would let it in beside neither. So what is
 * in force stays so when others go, and when younger ones come.
 *
 * What that leaves open: a node that hears of the younger first issues by it until it hears of the elder, too. What it gave
 * stays with its pods, and who claims of the elder later goes past its blocks; of two nodes that claim in one instant, one
 * of each, either may own a block that overlaps the other's.
 */

/** Why Networks are out of force, by name. */
export function networkFaults(networks: readonly Network[]): ReadonlyMap<string, Refusal> {
  const elders = networks.toSorted(byAge);
  return faultsOf(elders, (network, at) => {
    const [refusal] = networkRefusals(network.metadata.name, network.spec);
    return refusal ?? networkAmong(network, elders.slice(0, at));
  });
}

/** Why Subnets are out of force, by name: they can't be reckoned with, or collide with an elder, the eldest of which is named. */
export function subnetFaults(subnets: readonly Subnet[]): ReadonlyMap<string, Refusal> {
  const all = subnets.toSorted(byAge);
  const unsound = faultsOf(all, ({ metadata, spec }) => subnetRefusals(metadata.name, spec)[0]);
  return new Map([...unsound, ...collisions(all.filter(({ metadata }) => !unsound.has(metadata.name)))]);
}

/** Subnets that keep the rules, whatever is with their Networks. */
export function subnetsInForce(subnets: readonly Subnet[]): Subnet[] {
  const faults = subnetFaults(subnets);
  return subnets.filter(({ metadata }) => !faults.has(metadata.name));
}

interface Layout {
  readonly networks: readonly Network[];
  readonly subnets: readonly Subnet[];
}

/** What addresses are issued by: Networks that keep the rules, and of their Subnets those that do. */
export function inForce({ networks, subnets }: Layout): Layout {
  const faults = networkFaults(networks);
  const sound = networks.filter(({ metadata }) => !faults.has(metadata.name));
  const names = new Set(sound.map(({ metadata }) => metadata.name));
  return { networks: sound, subnets: subnetsInForce(subnets).filter(({ spec }) => names.has(spec.network)) };
}

/** @param elders sound ones, from the eldest on */
function collisions(elders: readonly Subnet[]): ReadonlyMap<string, Refusal> {
  // All that overlap one lie on its way outwards, or have it on theirs.
  const outwards = enclosing(elders.map(({ spec }) => parseCidr(spec.cidr)));
  const rivals = elders.map((): Subnet[] => []);
  for (const inner of elders.keys()) {
    for (let outer = outwards[inner] ?? -1; outer >= 0; outer = outwards[outer] ?? -1) {
      const [elder, younger] = [elders[Math.min(inner, outer)], rivals[Math.max(inner, outer)]];
      if (elder !== undefined) younger?.push(elder);
    }
  }
  return faultsOf(elders, (subnet, at) =>
    rivals[at]
      ?.toSorted(byAge)
      .map((elder) => collision(subnet, elder))
      .find(Boolean),
  );
}

function faultsOf<T extends Network | Subnet>(
  objects: readonly T[],
  faultOf: (object: T, at: number) => Refusal | undefined,
): ReadonlyMap<string, Refusal> {
  return new Map(
    objects.flatMap((object, at) => {
      const fault = faultOf(object, at);
      return fault === undefined ? [] : [[object.metadata.name, fault] as const];
    }),
  );
}
