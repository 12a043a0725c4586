import { z } from "zod";
import type { Condition, Metadata } from "../mesh/resources.ts";

/** The parts that every kind has. What a person leaves out of a file is filled in; the store fills in the rest. */

export const metadata = z.object({
  name: z.string().min(1),
  uid: z.string().default(""),
  resourceVersion: z.string().default(""),
  generation: z.int().default(1),
  creationTimestamp: z.string().default(""),
  deletionTimestamp: z.string().optional(),
  finalizers: z.array(z.string()).default([]),
  labels: z.record(z.string(), z.string()).default({}),
  annotations: z.record(z.string(), z.string()).default({}),
}) satisfies z.ZodType<Metadata>;

const condition = z.object({
  type: z.string(),
  status: z.enum(["True", "False", "Unknown"]),
  reason: z.string(),
  message: z.string(),
  lastTransitionTime: z.string(),
}) satisfies z.ZodType<Condition>;

export const conditions = z.array(condition).default([]);
export const tunnelKind = z.enum(["WireGuard", "VXLAN"]);
export const purpose = z.enum(["Pods", "Mesh"]);
/** Text of one CIDR; whether it is one is for the validation to say, in words. */
export const cidr = z.string().max(64);
export const cidrs = z.array(cidr).default([]);
/** Text of one address, or of a range of them; see {@link cidr}. */
export const address = z.string().max(96);
export const addresses = z.array(address).default([]);
/** Labels, every one of which must be there. */
export const nodeSelector = z.record(z.string(), z.string()).default({});
