import type { Place } from "../../../lab/place.ts";
import type { Family } from "../../../mesh/resources.ts";
import type { LanMachine } from "./lan-machine.ts";
import { sourceSeen } from "./talk.ts";
import type { TestLab } from "./test-lab.ts";

/** Somebody with an address of his own of each family. */
export interface End {
  readonly name: string;
  readonly place: Place;
  readonly addressOf: (family: Family) => string;
}

/** A pod or a node, as `CLUSTER/POD` or `CLUSTER/NODE`; the node by its address on the LAN. */
export function endOf(lab: TestLab, name: string): End {
  const [cluster = "", inner] = name.split("/");
  const node = lab.site(cluster).nodes.find((each) => each.name === inner);
  const addressOf = (family: Family): string =>
    node?.attachments.find((each) => each.family === family)?.address ?? lab.pod(name, family);
  return { name, place: lab.place(name), addressOf };
}

/** A machine of a site that is of no cluster. */
export function endOfMachine({ place, addresses }: LanMachine): End {
  return { name: place.netns, place, addressOf: (family) => addresses[family] };
}

/**
 * Connects by TCP, both ways and by each family.
 * @returns where the one who was connected to did not see the other's own address: what he saw, or why nothing came of it
 */
export async function unlikeSources(a: End, b: End, families: readonly Family[]): Promise<string[]> {
  const found: string[] = [];
  for (const family of families) {
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      const seen = await sourceSeen(from.place, to.place, to.addressOf(family));
      if (seen !== from.addressOf(family)) found.push(`${from.name} to ${to.name} by IPv${family}: ${seen}`);
    }
  }
  return found;
}
