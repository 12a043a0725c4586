import type { Command } from "commander";
import { Option } from "commander";
import type { ClusterLink, ClusterLinkSpec } from "../../mesh/resources.ts";
import { vxlanRefusal } from "../../mesh/behind-nat.ts";
import { MeshError } from "../../platform/errors.ts";
import { retryOnConflict } from "../../platform/store/amend.ts";
import type { ResourceStore } from "../../platform/store/port.ts";
import { verb } from "../command.ts";
import { globalsOf } from "../globals.ts";
import { renderOne } from "../output.ts";
import { note } from "../shell.ts";
import type { Shell } from "../shell.ts";
import { IN_CLEAR, TUNNELS, readMTU } from "./link-options.ts";
import type { TunnelWord } from "./link-options.ts";

interface ChangeOptions {
  readonly tunnel?: TunnelWord;
  readonly mtu?: number | "none";
}

/** `trestle link change`: how the packets of a link travel. */
export function changeLink(shell: Shell): Command {
  return verb(
    "change",
    "Change how a link's packets travel. On a live link nothing is lost: each side goes on by the old kind of tunnel until the new one is proven, and the status says KindChanging meanwhile.",
    [
      "trestle link change all --tunnel wireguard",
      "trestle link change all --mtu 1400      the path between the sites carries no more",
      "trestle link change all --mtu none      it carries what their LANs do",
    ],
  )
    .argument("<name>", "link of `trestle link list`")
    .addOption(
      new Option("--tunnel <kind>", "how packets travel; vxlan is not encrypted").choices(Object.keys(TUNNELS)),
    )
    .option("--mtu <bytes|none>", "path MTU between the sites", (text) => (text === "none" ? text : readMTU(text)))
    .action(async (name: string, options: ChangeOptions, command: Command) => {
      if (options.tunnel === undefined && options.mtu === undefined) {
        command.error("error: say what to change: --tunnel, --mtu or both");
      }
      const { withHub } = await import("../session.ts");
      const globals = globalsOf(command);
      const changed = await withHub(shell, globals, async ({ store }) => writeChange(await store(), name, options));
      if (options.tunnel === "vxlan") note(shell, IN_CLEAR);
      shell.out(renderOne(shell, globals.output, changed, () => `clusterlink/${name} changed\n`));
    });
}

/**
 * Changes a link, whose status the hub writes at any moment.
 * @throws MeshError `not-found`, and what a link by VXLAN is refused with
 */
export async function writeChange(store: ResourceStore, name: string, options: ChangeOptions): Promise<ClusterLink> {
  const { clusterKind } = await import("../../crds/cluster.ts");
  const { clusterLinkKind } = await import("../../crds/cluster-link.ts");
  const { notFound } = await import("../show.ts");
  return retryOnConflict(async () => {
    const links = await store.list(clusterLinkKind);
    const present = links.find(({ metadata }) => metadata.name === name);
    const names = links.map(({ metadata }) => metadata.name);
    if (present === undefined) throw notFound(clusterLinkKind, name, names);
    const link = { ...present, spec: changedSpec(present.spec, options) };
    const refusal = vxlanRefusal(link, await store.list(clusterKind));
    if (refusal !== undefined) throw new MeshError(refusal.code, refusal.message, { retry: false });
    return store.update(clusterLinkKind, link);
  });
}

function changedSpec(
  { mtu: before, ...spec }: ClusterLinkSpec,
  { tunnel, mtu = before }: ChangeOptions,
): ClusterLinkSpec {
  return {
    ...spec,
    ...(tunnel !== undefined && { tunnel: TUNNELS[tunnel] }),
    ...(mtu !== undefined && mtu !== "none" && { mtu }),
  };
}
