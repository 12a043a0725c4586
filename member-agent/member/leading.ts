import { randomUUID } from "node:crypto";
import { holdLease } from "../../platform/lease.ts";
import type { LeaseOptions } from "../../platform/lease.ts";
import { embeddedDirectory } from "../ipam/directory-embedded.ts";
import { controlAddresses } from "./addresses/control.ts";
import type { AddressControlParts } from "./addresses/control.ts";

const LEASE = { name: "member-controller", holdMs: 10_000, renewMs: 2_000 } as const;

/**
 * Takes part, until `signal` aborts, in being the member controller: one of the gateways at a time.
 * @param lead runs while this one is it; its signal aborts when it is no longer
 */
export async function takeLead(
  parts: Pick<LeaseOptions, "store" | "clock" | "log"> & { readonly node: string },
  lead: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { node, ...lease } = parts;
  await holdLease({ ...lease, ...LEASE, holder: `${node} ${randomUUID()}` }, (held) => lead(held.signal), signal);
}

/** What is one gateway's to do all the time it is the member controller. */
export async function controlMember(parts: Omit<AddressControlParts, "directory">, signal: AbortSignal): Promise<void> {
  const directory = embeddedDirectory(parts.store, parts, signal);
  await Promise.all([controlAddresses({ ...parts, directory }, signal), directory.done]);
}
