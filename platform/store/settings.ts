import { z } from "zod";
import { commaList } from "../config.ts";

/** What `trestle store` is told by flags and `TRESTLE_*`. */
export const storeSettings = z.object({
  /** State folder. */
  state: z.string().min(1),
  /** `host:port` */
  listen: z.string().min(1),
  /** Names and addresses by which agents reach it, the best first; empty: the listening one. */
  advertise: commaList(z.string().min(1)).default([]),
});
