import { z } from "zod";
import { readCidr } from "../mesh/typed-cidr.ts";
import { commaList } from "../platform/config.ts";

const cidr = z.string().superRefine((text, context) => {
  const { refusal } = readCidr(text);
  if (refusal !== undefined) context.addIssue({ code: "custom", message: refusal.message });
});

/** What `trestle hub` is told by flags and `TRESTLE_*`. */
export const hubSettings = z.object({
  /** State folder. */
  state: z.string().min(1),
  /** Where its own NATS listens, `host:port`. */
  listen: z
    .string()
    .regex(/^(\[[\da-f:]+\]|[^:]+):\d+$/i, "must be host:port")
    .default("0.0.0.0:4222"),
  /** Addresses that members and administrators dial, `tls://host:port`; they are in the server certificate and in join tokens. */
  advertise: commaList(z.url({ protocol: /^(tls|nats)$/, error: "must be tls://host:port" })).default([]),
  /** Addresses of a NATS server that was prepared with `trestle hub nats-config`; absent: the hub runs its own. */
  nats: commaList(z.string().min(1)).default([]),
  /** Ranges that the first start makes Mesh pools of. */
  meshPool: commaList(cidr).default(["100.64.0.0/10"]),
  /** `address:port` of /healthz and /readyz; absent: neither is served. */
  healthListen: z.string().optional(),
});
export type HubSettings = z.infer<typeof hubSettings>;
