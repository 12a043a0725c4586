import { remoteClusterKind } from "../../crds/remote-cluster.ts";
import { combinePairs } from "../../mesh/pair-state.ts";
import type { Gateway } from "../../mesh/resources.ts";
import { amendStatus } from "../../platform/store/amend.ts";
import type { ResourceStore } from "../../platform/store/port.ts";

/** Writes into each RemoteCluster what this cluster's gateways hear of it together; writing what is there is no write. */
export async function judgeRemotes(store: ResourceStore, gateways: readonly Gateway[]): Promise<void> {
  for (const { metadata, status } of await store.list(remoteClusterKind)) {
    const [first, ...rest] = gateways.flatMap((gateway) =>
      gateway.status.peers.filter(({ to }) => to === metadata.name),
    );
    const state = first === undefined ? "Pending" : combinePairs([first, ...rest]).state;
    if (state !== status.state) await amendStatus(store, remoteClusterKind, metadata.name, () => ({ state }));
  }
}
