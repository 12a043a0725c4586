import { randomUUID } from "node:crypto";
import { holdLease } from "../../platform/lease.ts";
import type { LeaseOptions } from "../../platform/lease.ts";

const LEASE = { name: "member-controller", holdMs: 10_000, renewMs: 2_000 } as const;

/** Takes part, until `signal` aborts, in being the member controller: one of the gateways at a time. */
export async function takeLead(
  parts: Pick<LeaseOptions, "store" | "clock" | "log"> & { readonly node: string },
  onChange: (leads: boolean) => void,
  signal: AbortSignal,
): Promise<void> {
  const { node, ...lease } = parts;
  await holdLease(
    { ...lease, ...LEASE, holder: `${node} ${randomUUID()}` },
    async (held) => {
      onChange(true);
      await new Promise((resolve) => held.signal.addEventListener("abort", resolve, { once: true }));
      onChange(false);
    },
    signal,
  );
}
