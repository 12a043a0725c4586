import type { Run } from "../../platform/run.ts";
import { ipBatch } from "../ip.ts";
import { ROUTE_PROTOCOL } from "../marks.ts";
import type { Outcome } from "../outcome.ts";
import type { NexthopStep } from "./plan.ts";
import { nexthopArguments } from "./plan.ts";

/** Carries out nexthop steps. A batch has no `-6` inside, so IPv6 members go in one of their own, and groups after both. */
export async function applyNexthops(run: Run, steps: readonly NexthopStep[]): Promise<Outcome[]> {
  const family = (step: NexthopStep) =>
    step.op === "delete" || "group" in step.nexthop ? undefined : step.nexthop.family;
  const lines = (of: 4 | 6 | undefined) => steps.filter((step) => family(step) === of).flatMap(nexthopLines);
  return [
    ...(await ipBatch(run, lines(4), ["-4"])),
    ...(await ipBatch(run, lines(6), ["-6"])),
    ...(await ipBatch(run, lines(undefined))),
  ];
}

function nexthopLines(step: NexthopStep): string[] {
  if (step.op === "delete") {
    return [`nexthop delete id ${step.id}`];
  }
  const put = `id ${step.nexthop.id} ${nexthopArguments(step.nexthop)} protocol ${ROUTE_PROTOCOL}`;
  if (step.op === "recreate") {
    return [`nexthop delete id ${step.nexthop.id}`, `nexthop add ${put}`];
  }
  return [`nexthop ${step.op} ${put}`];
}
