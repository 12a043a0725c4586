import { isDeepStrictEqual } from "node:util";
import { membershipKind } from "../../crds/membership.ts";
import { remoteClusterKind } from "../../crds/remote-cluster.ts";
import type { RemoteCluster, RemoteClusterSpec, Revision } from "../../mesh/resources.ts";
import { compareRevisions } from "../../mesh/revision.ts";
import type { View } from "../../mesh/view-records.ts";
import { amendStatus } from "../../platform/store/amend.ts";
import type { ResourceStore } from "../../platform/store/port.ts";
import { SINGLETON_NAME } from "../../mesh/names.ts";

/** What has to be written so that the member's store says what its view says. */
export type RemoteStep =
  | { readonly op: "create"; readonly name: string; readonly spec: RemoteClusterSpec }
  | { readonly op: "update"; readonly object: RemoteCluster; readonly spec: RemoteClusterSpec }
  | { readonly op: "delete"; readonly name: string };

/** Pure: a RemoteCluster for each entry of the view and no other. An unchanged entry keeps the revision it came with. */
export function planRemoteClusters(view: View, revision: Revision, present: readonly RemoteCluster[]): RemoteStep[] {
  const known = new Map(present.map((object) => [object.metadata.name, object]));
  const wanted = new Set(view.entries.map((entry) => entry.peer.name));
  return [
    ...view.entries.flatMap(({ peer, tunnel, mtu }): RemoteStep[] => {
      const object = known.get(peer.name);
      const spec: RemoteClusterSpec = {
        number: peer.number,
        prefixes: [...peer.podCIDRs, ...peer.announcedCIDRs, ...peer.meshPrefixes],
        meshPrefixes: peer.meshPrefixes,
        gateways: peer.gateways,
        tunnel,
        ...(mtu !== undefined && { mtu }),
        revision,
      };
      if (object === undefined) return [{ op: "create", name: peer.name, spec }];
      const unchanged = isDeepStrictEqual({ ...object.spec, revision }, spec);
      return unchanged ? [] : [{ op: "update", object, spec }];
    }),
    ...present
      .filter(({ metadata }) => !wanted.has(metadata.name))
      .map(({ metadata }) => ({ op: "delete", name: metadata.name }) as const),
  ];
}

/**
 * Makes the store say what the view says: RemoteClusters for the nodes, and the member's own record in the Membership.
 * Where a later view was written already, nothing: a gateway that is cut off from the hub may lead, too.
 */
export async function writeView(store: ResourceStore, view: View, revision: Revision): Promise<void> {
  const membership = await store.get(membershipKind, SINGLETON_NAME);
  const present = await store.list(remoteClusterKind);
  // A writer that was cut short left later objects, and its revision in those alone.
  const written = [membership?.status.revision, ...present.map(({ spec }) => spec.revision)];
  if (written.some((each) => isOlder(revision, each))) return;
  for (const step of planRemoteClusters(view, revision, present)) {
    if (step.op === "create") await store.create(remoteClusterKind, { metadata: { name: step.name }, spec: step.spec });
    else if (step.op === "update") await store.update(remoteClusterKind, { ...step.object, spec: step.spec });
    else await store.delete(remoteClusterKind, step.name);
  }
  const { number, podCIDRs, announcedCIDRs, meshPrefixes } = view.self;
  await amendStatus(store, membershipKind, SINGLETON_NAME, ({ status }) =>
    isOlder(revision, status.revision) ? status : { number, podCIDRs, announcedCIDRs, meshPrefixes, revision },
  );
}

function isOlder(revision: Revision, other: Revision | undefined): boolean {
  return other !== undefined && compareRevisions(revision, other) < 0;
}
