import type { Layout } from "../../lab/layout.ts";
import { findPlace } from "../../lab/place.ts";
import type { Place } from "../../lab/place.ts";
import type { Progress } from "../../lab/progress.ts";
import { stateOf } from "../../lab/state.ts";
import type { Lab } from "../../lab/state.ts";

/** What a benchmark on a lab works on: the lab, up, without a link; unless told, made from `lab.yaml`. */
export interface Bench {
  readonly lab: Lab;
  readonly layout: Layout;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** From which pod to which. */
export interface Way {
  readonly title: string;
  /** As `trestle lab exec` names it. */
  readonly from: string;
  readonly to: string;
  readonly fromAddress: string;
  readonly toAddress: string;
}

const WAYS = [
  { title: "pods on gateways", pod: "near" },
  { title: "pods on plain nodes", pod: "far" },
] as const;

/** From east to west: between pods on the gateways themselves, and between pods one machine behind them. */
export function waysOf(bench: Bench): Way[] {
  return WAYS.map(({ title, pod }) => ({
    title,
    from: `east/${pod}`,
    to: `west/${pod}`,
    fromAddress: addressOf(bench, "east", pod),
    toAddress: addressOf(bench, "west", pod),
  }));
}

/** A place of the lab, by the name people give it. @throws MeshError `no-place`, `place-gone` */
export function placeIn({ lab }: Bench, name: string): Place {
  return findPlace(lab, stateOf(lab), name);
}

function addressOf({ lab }: Bench, cluster: string, name: string): string {
  const pod = stateOf(lab).pods.find((candidate) => candidate.cluster === cluster && candidate.name === name);
  const [address] = pod?.addresses ?? [];
  if (address === undefined) throw new Error(`the pod ${cluster}/${name} of lab.yaml has no address`);
  return address;
}
