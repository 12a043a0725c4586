import { z } from "zod";

/**
 * What `lab check` and the probe in each pod say to each other: JSON lines, requests on the probe's standard input,
 * answers on its standard output, one each in order. The probe's first line says where it listens. It ends with its
 * standard input.
 */

/** Ports the probe answers on, TCP and UDP. */
export const listening = z.object({ tcp: z.int(), udp: z.int() });
export type Listening = z.infer<typeof listening>;

const target = z.object({ id: z.string(), address: z.string(), tcp: z.int(), udp: z.int() });
export type ProbeTarget = z.infer<typeof target>;

/** `reach`: is it there, who does it say we are; `large`: 1 MiB by TCP, 3,000 bytes by UDP; `silence`: it must not answer. */
export const probeRequest = z.object({
  test: z.enum(["reach", "large", "silence"]),
  targets: z.array(target),
  limitMs: z.int(),
});
export type ProbeRequest = z.infer<typeof probeRequest>;

/** `ok` by what the test demands; `said` is what was seen when it is not. */
const probeResult = z.object({
  id: z.string(),
  ok: z.boolean(),
  said: z.string(),
  /** Our address as the other side sees it. */
  source: z.string().optional(),
  /** Milliseconds: the best of a few round trips. */
  rttMs: z.number().optional(),
});
export type ProbeResult = z.infer<typeof probeResult>;
export const probeAnswer = z.array(probeResult);
