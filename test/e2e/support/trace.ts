import { traceAnswer } from "../../../crds/wire/hub-api.ts";
import type { TraceAnswer } from "../../../crds/wire/hub-api.ts";
import type { TestLab } from "./test-lab.ts";

/** What `trestle trace` said. */
export interface Traced {
  readonly code: number | null;
  readonly reachable: boolean;
  /** The hop that stops the packet. */
  readonly broken: TraceAnswer["hops"][number] | undefined;
}

/** Traces between pods, by CLUSTER/POD, or clusters. */
export async function traceWay(lab: TestLab, from: string, to: string): Promise<Traced> {
  const end = (name: string): string => (name.includes("/") ? lab.pod(name) : name);
  const { code, out } = await lab.tryAsk("trace", end(from), end(to), "--output", "json");
  const { reachable, hops } = traceAnswer.parse(JSON.parse(out));
  return { code, reachable, broken: hops.find(({ ok }) => !ok) };
}
