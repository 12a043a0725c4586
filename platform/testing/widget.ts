import { z } from "zod";
import type { ResourceKind, StoredObject } from "../store/port.ts";

/** A kind for tests of stores. */
export interface Widget extends StoredObject {
  readonly kind: "Widget";
  readonly spec: { readonly size: number };
  readonly status: { readonly state: string };
}

const schema: z.ZodType<Widget> = z.object({
  apiVersion: z.literal("test/v1"),
  kind: z.literal("Widget"),
  metadata: z.object({
    name: z.string(),
    uid: z.string(),
    resourceVersion: z.string(),
    generation: z.int(),
    creationTimestamp: z.string(),
    deletionTimestamp: z.string().optional(),
    finalizers: z.array(z.string()),
    labels: z.record(z.string(), z.string()),
    annotations: z.record(z.string(), z.string()),
  }),
  spec: z.object({ size: z.int().min(0) }),
  status: z.object({ state: z.string() }),
});

export const widgets: ResourceKind<Widget> = {
  kind: "Widget",
  plural: "widgets",
  apiVersion: "test/v1",
  emptyStatus: { state: "new" },
  parse: (value) => schema.parse(value),
};
