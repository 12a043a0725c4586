import type { Command } from "commander";
import { verb } from "../command.ts";
import { globalsOf } from "../globals.ts";
import { note } from "../shell.ts";
import type { Shell } from "../shell.ts";

/** How long the nodes may take to clean up. */
const NODES_LIMIT_MS = 60_000;

/** `trestle leave`: once a cluster. */
export function leaveCommand(shell: Shell): Command {
  return verb(
    "leave",
    "Take this cluster out of its mesh: the hub frees its prefixes and revokes its credential, and every node's agent takes away what it put into the kernel. Cut short, it can be said again.",
    [
      "trestle leave --store /var/lib/trestle/store/store.yaml",
      "trestle leave --store store.yaml --force      the hub is gone; an administrator runs `trestle cluster delete` there later",
    ],
  )
    .option("--force", "leave even though the hub can't be told")
    .action(async ({ force }: { readonly force?: true }, command: Command) => {
      const { withMember } = await import("../member-session.ts");
      const { leaveMesh } = await import("../../member-agent/member/leave.ts");
      const cluster = await withMember(shell, globalsOf(command), ({ store, connect }) =>
        leaveMesh(
          {
            store,
            connect,
            clock: shell.clock,
            onWaiting: (nodes) => note(shell, `Waiting for ${nodes.join(", ")} to clean up`),
          },
          { withoutHub: force === true, limitMs: NODES_LIMIT_MS },
          shell.signal,
        ),
      );
      shell.out(`Cluster "${cluster}" left the mesh.\n`);
    });
}
