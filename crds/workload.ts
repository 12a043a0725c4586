import { z } from "zod";
import type { Workload, WorkloadSpec } from "../mesh/ipam/pods.ts";
import { workloadRefusals } from "../mesh/ipam/pods.ts";
import type { KindDefinition } from "./kind.ts";
import { defineKind } from "./kind.ts";

const spec = z.object({
  kind: z.string(),
  namespace: z.string(),
  name: z.string(),
}) satisfies z.ZodType<WorkloadSpec>;

const status = z.object({}) satisfies z.ZodType<Workload["status"]>;

/** What makes pods in an embedded member, a StatefulSet say; Kubernetes has its own. */
export const workloadKind: KindDefinition<Workload> = defineKind({
  kind: "Workload",
  plural: "workloads",
  spec,
  status,
  refusals: workloadRefusals,
  immutable: ["kind", "namespace", "name"],
});
