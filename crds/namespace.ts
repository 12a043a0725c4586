import { z } from "zod";
import type { Namespace } from "../mesh/ipam/pods.ts";
import { namespaceRefusals } from "../mesh/ipam/pods.ts";
import type { KindDefinition } from "./kind.ts";
import { defineKind } from "./kind.ts";

const nothing = z.object({}) satisfies z.ZodType<Namespace["spec"]>;

/** What the pods of an embedded member's namespace have in common; Kubernetes has its own. */
export const namespaceKind: KindDefinition<Namespace> = defineKind({
  kind: "Namespace",
  plural: "namespaces",
  spec: nothing,
  status: nothing,
  refusals: namespaceRefusals,
});
