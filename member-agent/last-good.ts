import { z } from "zod";
import { gatewayKind } from "../crds/gateway.ts";
import { ipBlockKind } from "../crds/ip-block.ts";
import { membershipKind } from "../crds/membership.ts";
import { nodeKind } from "../crds/node.ts";
import { remoteClusterKind } from "../crds/remote-cluster.ts";
import type { StateFolder } from "../platform/state-folder.ts";
import type { MemberLevel } from "./member/level.ts";

/**
 * What the member's store said last, kept on disk: a machine that reboots while the store is down comes back on it. The
 * folder is trusted as the store is; what came from the hub is kept apart, signed (gateway/mail.ts).
 */
const FILE = "level.json";
const stored = z.object({
  membership: z.unknown(),
  nodes: z.array(z.unknown()),
  blocks: z.array(z.unknown()),
  gateways: z.array(z.unknown()),
  remotes: z.array(z.unknown()),
});

/** Undefined when there is none, or when it had to be set aside. */
export async function readLastLevel(folder: StateFolder): Promise<MemberLevel | undefined> {
  const kept = await folder.read(FILE, stored);
  return (
    kept && {
      membership: kept.membership === undefined ? undefined : membershipKind.parse(kept.membership),
      nodes: kept.nodes.map((node) => nodeKind.parse(node)),
      blocks: kept.blocks.map((block) => ipBlockKind.parse(block)),
      gateways: kept.gateways.map((gateway) => gatewayKind.parse(gateway)),
      remotes: kept.remotes.map((remote) => remoteClusterKind.parse(remote)),
    }
  );
}

/** Replaces what is kept. */
export async function writeLastLevel(folder: StateFolder, level: MemberLevel): Promise<void> {
  await folder.write(FILE, level);
}

/** Forgets it, when the member leaves. */
export async function forgetLastLevel(folder: StateFolder): Promise<void> {
  await folder.remove(FILE);
}
