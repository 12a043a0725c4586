import { ipBlockKind } from "../../crds/ip-block.ts";
import { ipInstanceKind } from "../../crds/ip-instance.ts";
import { networkKind } from "../../crds/network.ts";
import { nodeKind } from "../../crds/node.ts";
import { subnetKind } from "../../crds/subnet.ts";
import { blockCidrOf } from "../../mesh/ipam/blocks.ts";
import { nodeAddressesOf } from "../../mesh/ipam/node-addresses.ts";
import { reservationRefusals } from "../../mesh/ipam/reservation.ts";
import type { Reservation } from "../../mesh/ipam/reservation.ts";
import type { IPInstance, Subnet } from "../../mesh/ipam/resources.ts";
import { withheldRefusal } from "../../mesh/ipam/withheld.ts";
import { objectNameOfAddress, objectNameOfCidr } from "../../mesh/names.ts";
import type { Refusal } from "../../mesh/refusal.ts";
import type { Pace } from "../../platform/clock.ts";
import { deleteUnchanged, retryOnConflict } from "../../platform/store/amend.ts";
import type { ResourceStore } from "../../platform/store/port.ts";
import { refuseFaults } from "../faults.ts";
import { objectNamed } from "../show.ts";

/** How long the owner of a block may take to say that it withholds what was reserved a moment ago. */
const PATIENCE_MS = 5_000;
const LOOK_EVERY_MS = 100;

/**
 * Keeps an address for a pod: a retained IPInstance that no node has, and whose pod nobody has seen yet (no UID).
 * @throws MeshError `not-found`, and what the rules refuse it with
 */
export async function reserve(
  store: ResourceStore,
  subnetName: string,
  wanted: Reservation,
  pace: Pace,
): Promise<IPInstance> {
  // Somebody who was faster makes the rules say whose it is now.
  return retryOnConflict(async () => {
    const subnet = await objectNamed(store, subnetKind, subnetName);
    const network = await objectNamed(store, networkKind, subnet.spec.network);
    const instances = await store.list(ipInstanceKind);
    const nodeAddresses = nodeAddressesOf(await store.list(nodeKind));
    refuseFaults(reservationRefusals(wanted, { subnet, network, instances, nodeAddresses }));
    const isOverlay = network.spec.type === "Overlay";
    if (isOverlay) refuseFaults(await ownersRefusal(store, wanted.address, subnet, pace));
    const made = await store.create(ipInstanceKind, {
      metadata: { name: objectNameOfAddress(wanted.address) },
      spec: {
        address: wanted.address,
        subnet: subnetName,
        network: subnet.spec.network,
        pod: { ...wanted.pod, uid: "" },
        retained: true,
      },
      status: { phase: "Retained" },
    });
    // Its block may have been claimed meanwhile.
    const refusals = isOverlay ? await ownersRefusal(store, wanted.address, subnet, pace) : [];
    if (refusals.length > 0) await deleteUnchanged(store, ipInstanceKind, made);
    refuseFaults(refusals);
    return made;
  });
}

/** Why the owner of its block may still give an address to anybody; waits for its word that it does not. */
async function ownersRefusal(
  store: ResourceStore,
  address: string,
  { spec }: Subnet,
  { clock, signal }: Pace,
): Promise<Refusal[]> {
  const until = clock.monotonic() + PATIENCE_MS;
  for (;;) {
    const refusal = withheldRefusal(
      address,
      await store.get(ipBlockKind, objectNameOfCidr(blockCidrOf(address, spec))),
    );
    if (refusal === undefined) return [];
    if (clock.monotonic() >= until || signal.aborted) return [refusal];
    await clock.sleep(LOOK_EVERY_MS, signal);
  }
}
