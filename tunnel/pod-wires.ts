import { z } from "zod";
import { hostCidr } from "../mesh/cidr.ts";
import type { Attachment } from "../mesh/ipam/resources.ts";
import { hasCode, messageOf } from "../platform/errors.ts";
import type { Run } from "../platform/run.ts";
import { ipJson } from "./ip.ts";
import { readPodAlias } from "./pod-link.ts";

/** A pod's wire as the kernel has it. */
export interface PodWireState {
  /** Host end. */
  readonly device: string;
  /** Whose it is; absent where the device has no alias that says so. */
  readonly attachment?: Attachment | undefined;
  /** What is routed to it, without prefix length: the pod's addresses. */
  readonly addresses: readonly string[];
}

/** What a filter keeps out ip may show as empty objects. */
const LINKS = z.array(z.object({ ifname: z.string().optional(), ifalias: z.string().optional() }));
const ROUTES = z.array(z.object({ dst: z.string(), dev: z.string().optional() }));

/** `podDevice` makes such names. */
const POD_DEVICE = /^tp[0-9a-f]{12}$/;

/**
 * Every pod's wire on a node, by three programs however many pods there are.
 * @throws MeshError as {@link ipJson} does
 */
export async function observePodWires(node: Run): Promise<readonly PodWireState[]> {
  // What ip(8) adds has protocol boot unless told; with it, thousands of routes of ours to others stay in the kernel.
  const routes = ["route", "show", "table", "main", "proto", "boot"];
  const [links, four, six] = await Promise.all([
    ipJson(node, ["link", "show", "type", "veth"], LINKS),
    ipJson(node, ["-4", ...routes], ROUTES),
    ipJson(node, ["-6", ...routes], ROUTES),
  ]);
  const routed = Map.groupBy([...four, ...six].filter(isToOneHost), ({ dev }) => dev);
  return links.flatMap(({ ifname: device = "", ifalias = "" }) =>
    POD_DEVICE.test(device)
      ? [
          {
            device,
            attachment: readPodAlias(ifalias),
            addresses: (routed.get(device) ?? []).map(({ dst }) => dst),
          },
        ]
      : [],
  );
}

/** ip leaves the length of host routes away. */
function isToOneHost({ dst }: { readonly dst: string }): boolean {
  return dst !== "default" && !dst.includes("/");
}

/**
 * Takes away the route to one address of a pod, and nothing else: of an address that is the pod's no more. One that is
 * gone already, or leads elsewhere, is no fault.
 */
export async function unroutePod(node: Run, device: string, address: string): Promise<void> {
  try {
    await node("ip", ["route", "delete", hostCidr(address), "dev", device]);
  } catch (error) {
    const isGone = /No such process|Cannot find device/.test(messageOf(error));
    if (!hasCode(error, "program-failed") || !isGone) throw error;
  }
}
