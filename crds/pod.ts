import { z } from "zod";
import type { Pod, PodSpec } from "../mesh/ipam/pods.ts";
import { podRefusals } from "../mesh/ipam/pods.ts";
import type { KindDefinition } from "./kind.ts";
import { defineKind } from "./kind.ts";

const spec = z.object({
  namespace: z.string(),
  name: z.string(),
  node: z.string(),
  owner: z.object({ kind: z.string(), name: z.string(), uid: z.string() }).optional(),
}) satisfies z.ZodType<PodSpec>;

const status = z.object({}) satisfies z.ZodType<Pod["status"]>;

/** A pod of an embedded member; Kubernetes has its own. */
export const podKind: KindDefinition<Pod> = defineKind({
  kind: "Pod",
  plural: "pods",
  spec,
  status,
  refusals: podRefusals,
  immutable: ["namespace", "name", "node"],
});
