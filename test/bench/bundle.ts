import path from "node:path";
import { runner } from "../../platform/run.ts";

const ROOT = path.join(import.meta.dirname, "..", "..");

/** The bundled CLI; {@link buildBundle} makes it. */
export const BUNDLED = path.join(ROOT, "dist", "trestle");
/** The CLI as it lies in the checkout. */
export const CHECKOUT = path.join(ROOT, "bin", "trestle");

/** Bundles what is measured: daemons are shipped that way (docs/adr/0014-one-file-daemons.md). */
export async function buildBundle(signal: AbortSignal): Promise<void> {
  await runner()(path.join(ROOT, "scripts", "build"), [], { signal, limitMs: 60_000 });
}
