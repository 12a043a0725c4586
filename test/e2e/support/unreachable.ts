import type { Family } from "../../../mesh/resources.ts";
import { eventually } from "../../../platform/testing/eventually.ts";
import { orStop, startIn } from "./background.ts";
import type { TestLab } from "./test-lab.ts";

/** How pods are told that something is unreachable: net or host (RFC 792), no route or address (RFC 4443). */
const FILTER = "(icmp[0] == 3 and icmp[1] <= 1) or (icmp6 and ip6[40] == 1 and (ip6[41] == 0 or ip6[41] == 3))";
const STARTS: Readonly<Record<Family, RegExp>> = { 4: / IP /g, 6: / IP6 /g };

/** What arrives at pods of such news. */
export interface UnreachableWatch {
  /** How many messages of a family a pod got so far. */
  readonly told: (pod: string, family: Family) => number;
  readonly stop: () => Promise<void>;
}

/**
 * Watches pods, by CLUSTER/POD, from when it resolves on. On their wires rather than by what a program prints: kernels
 * send one such message a second to each, so of two programs in a pod only one may hear.
 */
export async function watchUnreachable(lab: TestLab, pods: readonly string[]): Promise<UnreachableWatch> {
  const words = ["tcpdump", "-n", "-l", "-q", "--immediate-mode", "-s", "128", "-i", "eth0", FILTER];
  const watches = new Map(pods.map((pod) => [pod, startIn(lab.place(pod), words)]));
  const all = [...watches.values()];
  await orStop(all, () => eventually(() => all.every(({ err }) => err().includes("listening on"))));
  return {
    told: (pod, family) => watches.get(pod)?.out().match(STARTS[family])?.length ?? 0,
    stop: async () => void (await Promise.all(all.map(({ stop }) => stop("SIGINT")))),
  };
}
