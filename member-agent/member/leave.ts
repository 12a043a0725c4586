import { credentialKind } from "../../crds/credential.ts";
import { gatewayKind } from "../../crds/gateway.ts";
import { ipBlockKind } from "../../crds/ip-block.ts";
import { membershipKind } from "../../crds/membership.ts";
import { nodeKind } from "../../crds/node.ts";
import { remoteClusterKind } from "../../crds/remote-cluster.ts";
import { z } from "zod";
import type { CredentialSpec } from "../../mesh/resources.ts";
import type { Clock } from "../../platform/clock.ts";
import { hasCode, MeshError } from "../../platform/errors.ts";
import { openSigner } from "../../platform/identity/signature.ts";
import { signText } from "../../platform/mailbox/signed.ts";
import { leaveSubject } from "../../platform/nats/subjects.ts";
import { deleteIfThere } from "../../platform/store/amend.ts";
import type { ResourceKind, ResourceStore, StoredObject } from "../../platform/store/port.ts";
import { giveUpAddresses } from "./addresses/give-up.ts";
import { askHub } from "./ask.ts";
import { connectAsMember } from "./connect.ts";
import type { ConnectNats } from "./connect.ts";
import { SINGLETON_NAME } from "../../mesh/names.ts";
import { putSpec } from "./put-spec.ts";

export interface LeaveParts {
  readonly store: ResourceStore;
  readonly connect: ConnectNats;
  readonly clock: Clock;
  /** Told each time the nodes that still have to clean up are others. */
  readonly onWaiting: (nodes: readonly string[]) => void;
}

/** Leave the hub out of it: it can't be reached, and the admin will take the cluster out there. */
export interface LeaveHow {
  readonly withoutHub: boolean;
  /** Milliseconds to wait for the nodes. */
  readonly limitMs: number;
}

/**
 * Takes this cluster out of its mesh: tells the hub, tells the agents, and waits until each has taken its kernel state
 * away. Cut short, it can be said again.
 * @throws MeshError `not-joined`, `nodes-left` (retry) when some node did not answer in time, what {@link askHub} throws
 */
export async function leaveMesh(
  { store, connect, clock, onWaiting }: LeaveParts,
  how: LeaveHow,
  signal: AbortSignal,
): Promise<string> {
  const membership = await store.get(membershipKind, SINGLETON_NAME);
  if (membership === undefined) throw new MeshError("not-joined", "this cluster is in no mesh", { retry: false });
  const credential = await store.get(credentialKind, SINGLETON_NAME);
  if (credential?.spec.userJWT !== undefined && !how.withoutHub) await tellHub(connect, credential.spec);
  await putSpec(store, membershipKind, SINGLETON_NAME, () => ({ ...membership.spec, phase: "Left" as const }));
  await removeAll(store, credentialKind);

  const deadline = clock.monotonic() + how.limitMs;
  for (let waitedFor = ""; ;) {
    const left = (await store.list(nodeKind)).map((node) => node.metadata.name);
    if (left.length === 0) break;
    if (left.join() !== waitedFor) onWaiting(left);
    waitedFor = left.join();
    if (signal.aborted || clock.monotonic() > deadline) throw nodesLeft(left);
    await clock.sleep(100, signal);
  }
  await removeAll(store, remoteClusterKind);
  await removeAll(store, gatewayKind);
  await removeAll(store, ipBlockKind);
  await giveUpAddresses(store);
  await removeAll(store, membershipKind);
  return membership.spec.cluster;
}

async function tellHub(connect: ConnectNats, credential: CredentialSpec, again = true): Promise<void> {
  const nc = await connectAsMember(connect, credential).catch((error: unknown) => {
    // An earlier leave got further, or an administrator took the cluster out: its credential is void.
    if (!hasCode(error, "nats-refused")) throw error;
  });
  if (nc === undefined) return;
  try {
    const text = signText(
      "leave",
      JSON.stringify({ mesh: credential.mesh, member: credential.cluster }),
      openSigner(credential.signingSeed),
    );
    await askHub(nc, {
      subject: leaveSubject(credential.cluster),
      text,
      hubKey: credential.hubKey,
      value: z.object({}),
    });
  } catch (error) {
    // The hub may void the credential while it is asked, because an earlier leave got that far.
    if (again && hasCode(error, "connection-lost")) return await tellHub(connect, credential, false);
    // An earlier leave got this far: the hub knows this cluster no more.
    if (!hasCode(error, "unknown-cluster")) throw error;
  } finally {
    await nc.close();
  }
}

async function removeAll<T extends StoredObject>(store: ResourceStore, kind: ResourceKind<T>): Promise<void> {
  for (const object of await store.list(kind)) await deleteIfThere(store, kind, object.metadata.name);
}

function nodesLeft(nodes: readonly string[]): MeshError {
  const message = `the mesh is left, but ${nodes.join(", ")} did not clean up in time: start trestle agent there, or for a machine that is gone for good run "trestle delete node NAME --store FILE"; then run trestle leave again`;
  return new MeshError("nodes-left", message, { retry: true });
}
