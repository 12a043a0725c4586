import type { Family } from "../mesh/resources.ts";
import { MeshError } from "../platform/errors.ts";
import { linkedPairs } from "./file.ts";
import { layoutOf, podNetns } from "./layout.ts";
import { inNetns } from "./place.ts";
import { startProbe } from "./probe-client.ts";
import type { Probe } from "./probe-client.ts";
import type { ProbeRequest, ProbeResult } from "./probe-protocol.ts";
import { podsInOrder, stateOf } from "./state.ts";
import type { Lab, LabState } from "./state.ts";
import { podPlace, trialsAmong } from "./trials.ts";
import type { Trial } from "./trials.ts";
import { hubStatus } from "./trestle.ts";

/** What was found on the way from one pod to another, both named CLUSTER/POD. */
export interface PairFinding {
  readonly from: string;
  readonly to: string;
  readonly family: Family;
  /** Random bytes sent by TCP came back as they were. */
  readonly ok: boolean;
  /** The receiver saw the sender's own address. */
  readonly sourcePreserved: boolean;
  /** Milliseconds, the best of a few; null when nothing came back. */
  readonly rttMs: number | null;
  /** 1 MiB by TCP and 3,000 bytes in one datagram came back as they were. */
  readonly largeOk: boolean;
}

export interface CheckReport {
  /** Pairs that must reach each other: of one cluster, or of two linked ones that know both addresses. */
  readonly pairs: readonly PairFinding[];
  /** Pairs that no link lets talk: `ok` when they can't. */
  readonly isolated: readonly Pick<PairFinding, "from" | "to" | "family" | "ok">[];
  readonly passed: number;
  readonly failed: number;
}

/** A report, and a sentence for each thing that is not as it must be. */
export interface Checked {
  readonly report: CheckReport;
  readonly holes: readonly string[];
}

const REACH_LIMIT_MS = 10_000;
const LARGE_LIMIT_MS = 60_000;
const SILENCE_LIMIT_MS = 1_500;

/** Tries the ordered pairs of the lab's pods that {@link trialsAmong} says, all at once, with one program in each pod. */
export async function checkLab(lab: Lab, signal: AbortSignal): Promise<Checked> {
  const state = stateOf(lab);
  const pods = podsInOrder(state);
  const probes = new Map<string, Probe>();
  const end = new AbortController();
  const lifetime = AbortSignal.any([signal, end.signal]);
  try {
    await Promise.all(
      pods.map(async (pod) => {
        const { prefix } = inNetns(podNetns(lab.name, pod.cluster, pod.name));
        probes.set(podPlace(pod), await startProbe(prefix, lifetime));
      }),
    );
    const linked = await linkedNow(lab, state, signal);
    const { together, apart } = trialsAmong(state, linked);
    const [reached, silent] = await Promise.all([
      runTrials(probes, together, "reach", REACH_LIMIT_MS),
      runTrials(probes, apart, "silence", SILENCE_LIMIT_MS),
    ]);
    // After the others, so that a flood of bytes is not in the round-trip times.
    const large = await runTrials(
      probes,
      together.filter(({ id }) => reached.get(id)?.ok === true),
      "large",
      LARGE_LIMIT_MS,
    );
    return judge({ together, apart, reached, large, silent });
  } finally {
    end.abort();
  }
}

/** Which clusters may talk, by the hub; while the hub does not answer, by the lab file. */
async function linkedNow(lab: Lab, state: LabState, signal: AbortSignal): Promise<Set<string>> {
  if (state.broken.includes("hub")) return linkedPairs(state.file);
  try {
    const { pairs } = await hubStatus(lab, layoutOf(lab.name, state.file), signal);
    return new Set(pairs.map(({ from, to }) => `${from}>${to}`));
  } catch (error) {
    if (error instanceof MeshError) return linkedPairs(state.file);
    throw error;
  }
}

/** Results by the trial's id. */
async function runTrials(
  probes: ReadonlyMap<string, Probe>,
  trials: readonly Trial[],
  test: ProbeRequest["test"],
  limitMs: number,
): Promise<Map<string, ProbeResult>> {
  const bySender = Map.groupBy(trials, ({ from }) => podPlace(from));
  const results = await Promise.all(
    [...bySender].map(async ([sender, own]) => {
      const targets = own.flatMap(({ id, address, to }) => {
        const there = probes.get(podPlace(to));
        return there ? [{ id, address, ...there.listens }] : [];
      });
      return (await probes.get(sender)?.ask({ test, targets, limitMs })) ?? [];
    }),
  );
  return new Map(results.flat().map((result) => [result.id, result]));
}

type Results = ReadonlyMap<string, ProbeResult>;

function judge({
  together,
  apart,
  reached,
  large,
  silent,
}: {
  together: readonly Trial[];
  apart: readonly Trial[];
  reached: Results;
  large: Results;
  silent: Results;
}): Checked {
  const holes: string[] = [];
  const pairs = together.map(({ id, from, to, family, source }): PairFinding => {
    const small = reached.get(id);
    const big = large.get(id);
    const ok = small?.ok === true;
    const sourcePreserved = ok && small.source === source;
    const largeOk = big?.ok === true;
    const way = `${podPlace(from)} to ${podPlace(to)} (IPv${family})`;
    if (!ok) holes.push(`${way}: ${small?.said ?? "no answer"}`);
    else if (!sourcePreserved) holes.push(`${way}: the receiver saw ${small.source ?? "nobody"} instead of ${source}`);
    if (ok && !largeOk) holes.push(`${way}: ${big?.said ?? "no answer"}`);
    return {
      from: podPlace(from),
      to: podPlace(to),
      family,
      ok,
      sourcePreserved,
      rttMs: small?.rttMs ?? null,
      largeOk,
    };
  });
  const isolated = apart.map(({ id, from, to, family }) => {
    const found = silent.get(id);
    if (found?.ok !== true)
      holes.push(`${podPlace(from)} to ${podPlace(to)} (IPv${family}): ${found?.said ?? "no answer"}`);
    return { from: podPlace(from), to: podPlace(to), family, ok: found?.ok === true };
  });
  const passed =
    pairs.filter(({ ok, sourcePreserved, largeOk }) => ok && sourcePreserved && largeOk).length +
    isolated.filter(({ ok }) => ok).length;
  return { report: { pairs, isolated, passed, failed: pairs.length + isolated.length - passed }, holes };
}
