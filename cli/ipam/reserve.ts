import { ipInstanceKind } from "../../crds/ip-instance.ts";
import { networkKind } from "../../crds/network.ts";
import { subnetKind } from "../../crds/subnet.ts";
import { reservationRefusals } from "../../mesh/ipam/reservation.ts";
import type { Reservation } from "../../mesh/ipam/reservation.ts";
import type { IPInstance } from "../../mesh/ipam/resources.ts";
import { objectNameOfAddress } from "../../mesh/names.ts";
import { retryOnConflict } from "../../platform/store/amend.ts";
import type { ResourceStore } from "../../platform/store/port.ts";
import { refuseFaults } from "../faults.ts";
import { objectNamed } from "../show.ts";

/**
 * Keeps an address for a pod: a retained IPInstance that no node has, and whose pod nobody has seen yet (no UID).
 * @throws MeshError `not-found`, and what the rules refuse it with
 */
export async function reserve(store: ResourceStore, subnetName: string, wanted: Reservation): Promise<IPInstance> {
  // Somebody who was faster makes the rules say whose it is now.
  return retryOnConflict(async () => {
    const subnet = await objectNamed(store, subnetKind, subnetName);
    const network = await objectNamed(store, networkKind, subnet.spec.network);
    refuseFaults(reservationRefusals(wanted, { subnet, network, instances: await store.list(ipInstanceKind) }));
    return store.create(ipInstanceKind, {
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
  });
}
