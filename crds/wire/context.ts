import { z } from "zod";

/**
 * How an administrator reaches a hub: the hub writes it, as YAML, to `context.yaml` in its state folder (0600), and
 * `trestle context import` takes it over. It holds a secret.
 */
export const hubContext = z.object({
  /** What `--context` calls it; the mesh's name unless told otherwise. */
  name: z.string().min(1),
  mesh: z.string().min(1),
  /** NATS addresses, `tls://host:port`. */
  urls: z.array(z.string().min(1)).min(1),
  /** PEM of the hub's CA. */
  ca: z.string(),
  /** Of an administrator's user in the HUB account: JWT, and seed (SU…). */
  userJWT: z.string(),
  userSeed: z.string(),
});
export type HubContext = z.infer<typeof hubContext>;
