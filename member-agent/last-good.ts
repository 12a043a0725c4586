import { z } from "zod";
import { gatewayKind } from "../crds/gateway.ts";
import { ipBlockKind } from "../crds/ip-block.ts";
import type { AnyResource, KindDefinition } from "../crds/kind.ts";
import { membershipKind } from "../crds/membership.ts";
import { networkKind } from "../crds/network.ts";
import { nodeKind } from "../crds/node.ts";
import { remoteClusterKind } from "../crds/remote-cluster.ts";
import { subnetKind } from "../crds/subnet.ts";
import type { StateFolder } from "../platform/state-folder.ts";
import type { MemberLevel } from "./member/level.ts";

/**
 * What the member's store said last, kept on disk: a machine that reboots while the store is down comes back on it. The
 * folder is trusted as the store is; what came from the hub is kept apart, signed (gateway/mail.ts).
 */
const FILE = "level.json";
const stored = z.object({
  membership: objectOf(membershipKind).optional(),
  nodes: z.array(objectOf(nodeKind)),
  blocks: z.array(objectOf(ipBlockKind)),
  gateways: z.array(objectOf(gatewayKind)),
  remotes: z.array(objectOf(remoteClusterKind)),
  // What was kept before there were any has none.
  networks: z.array(objectOf(networkKind)).default([]),
  subnets: z.array(objectOf(subnetKind)).default([]),
});

/** Undefined when there is none, or when it had to be set aside: a file that another release wrote must not stop an agent. */
export async function readLastLevel(folder: StateFolder): Promise<MemberLevel | undefined> {
  const kept = await folder.read(FILE, stored);
  return kept && { ...kept, membership: kept.membership };
}

/** Replaces what is kept. */
export async function writeLastLevel(folder: StateFolder, level: MemberLevel): Promise<void> {
  await folder.write(FILE, level);
}

/** Forgets it, when the member leaves. */
export async function forgetLastLevel(folder: StateFolder): Promise<void> {
  await folder.remove(FILE);
}

function objectOf<T extends AnyResource>(kind: KindDefinition<T>): z.ZodType<T> {
  return z.unknown().transform((value) => kind.parse(value));
}
