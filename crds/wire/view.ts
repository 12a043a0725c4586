import { z } from "zod";
import type { GatewayRecord } from "../../mesh/resources.ts";
import type { PeerRecord, SelfRecord, View, ViewEntry } from "../../mesh/view-records.ts";

/** What a hub publishes into a mailbox, as it is on the wire (JSON). Unknown fields are ignored: version N serves N - 1. */

/**
 * Shape alone: what is in it is one member's word, and a page that is refused for it would freeze all that are linked with
 * that member. Whoever reads records or views leaves bad ones out one by one (mesh/gateway-record.ts, mesh/view-faults.ts).
 */
export const gatewayRecord = z.object({
  name: z.string(),
  rank: z.int(),
  endpoints: z.array(z.string()).readonly(),
  behindNAT: z.boolean().default(false),
  basePort: z.int(),
  publicKey: z.string(),
}) satisfies z.ZodType<GatewayRecord>;

const self = z.object({
  name: z.string(),
  number: z.int(),
  podCIDRs: z.array(z.string()),
  announcedCIDRs: z.array(z.string()),
  meshPrefixes: z.array(z.string()),
}) satisfies z.ZodType<SelfRecord>;

const peer = self.extend({ gateways: z.array(gatewayRecord) }) satisfies z.ZodType<PeerRecord>;

const entry = z.object({
  peer,
  tunnel: z.enum(["WireGuard", "VXLAN"]),
  mtu: z.int().optional(),
}) satisfies z.ZodType<ViewEntry>;

/** One immutable page: either the member's own record or about 16 entries. */
export const viewPage = z.object({ self: self.optional(), entries: z.array(entry) });

/** A page as it is read. */
export interface PageOfView {
  readonly self?: SelfRecord | undefined;
  readonly entries: readonly ViewEntry[];
}

/** Pages of one head, in its order, back to the view they were cut from. Undefined when no page carries the member's own record. */
export function viewOfPages(pages: readonly PageOfView[]): View | undefined {
  const own = pages.find((page) => page.self !== undefined)?.self;
  return own && { self: own, entries: pages.flatMap((page) => page.entries) };
}
