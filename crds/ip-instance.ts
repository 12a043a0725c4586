import { z } from "zod";
import { ipInstanceRefusals } from "../mesh/ipam/checks.ts";
import type { IPInstance, IPInstanceSpec, IPInstanceStatus } from "../mesh/ipam/resources.ts";
import type { KindDefinition } from "./kind.ts";
import { defineKind } from "./kind.ts";
import { address } from "./metadata.ts";

const spec = z.object({
  address,
  subnet: z.string(),
  network: z.string(),
  node: z.string().optional(),
  pod: z.object({ namespace: z.string(), name: z.string(), uid: z.string() }),
  owner: z.object({ kind: z.string(), name: z.string(), uid: z.string() }).optional(),
  attachment: z.object({ sandbox: z.string(), interface: z.string() }).optional(),
  retained: z.boolean().default(false),
  interface: z.string().optional(),
}) satisfies z.ZodType<IPInstanceSpec>;

const status = z.object({
  phase: z.enum(["Bound", "Retained"]).default("Bound"),
}) satisfies z.ZodType<IPInstanceStatus>;

/** Named by its address, so that creating it claims the address. */
export const ipInstanceKind: KindDefinition<IPInstance> = defineKind({
  kind: "IPInstance",
  plural: "ipinstances",
  spec,
  status,
  refusals: ipInstanceRefusals,
  immutable: ["address", "subnet", "network"],
});
