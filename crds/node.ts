import { z } from "zod";
import type { MeshNode, NodeSpec, NodeStatus } from "../mesh/resources.ts";
import { nodeRefusals } from "../mesh/validation-member.ts";
import type { KindDefinition } from "./kind.ts";
import { defineKind } from "./kind.ts";
import { revision } from "./wire/report.ts";

const spec = z.object({ addresses: z.array(z.string()).default([]) }) satisfies z.ZodType<NodeSpec>;

const status = z.object({
  meshAddresses: z.array(z.string()).default([]),
  appliedRevision: revision.optional(),
  lastSeen: z.string().optional(),
}) satisfies z.ZodType<NodeStatus>;

/** A machine of an embedded member; Kubernetes has its own. */
export const nodeKind: KindDefinition<MeshNode> = defineKind({
  kind: "Node",
  plural: "nodes",
  spec,
  status,
  refusals: nodeRefusals,
});
