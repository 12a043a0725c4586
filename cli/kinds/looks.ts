import type { Condition, Metadata, PairState, Revision } from "../../mesh/resources.ts";
import { formatRevision } from "../../mesh/revision.ts";
import type { Cell, Column, Tone } from "../table.ts";
import { since } from "../time.ts";

/** How things that several kinds have look in a table. */

const PAIR_TONES: Readonly<Record<PairState, Tone>> = {
  Up: "good",
  Degraded: "doubt",
  Pending: "faint",
  Doubtful: "doubt",
  Unreachable: "bad",
};

export function pairStateCell(state: PairState): Cell {
  return { text: state, tone: PAIR_TONES[state] };
}

export function revisionText(revision: Revision | undefined): string {
  return revision === undefined ? "" : formatRevision(revision);
}

export function labelsText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(",");
}

/** Of what is deleted and held by a finalizer. @param until what has to be so that it goes */
export function deletionText({ deletionTimestamp }: Metadata, until: string, now: number): string | undefined {
  return deletionTimestamp && `${since(deletionTimestamp, now)} ago: it goes when ${until}`;
}

type Named = { readonly metadata: Metadata };

export const nameColumn: Column<Named> = { title: "NAME", cell: ({ metadata }) => metadata.name };
export const ageColumn: Column<Named> = {
  title: "AGE",
  cell: ({ metadata }, now) => since(metadata.creationTimestamp, now),
};
export const labelsColumn: Column<Named> = {
  title: "LABELS",
  wide: true,
  cell: ({ metadata }) => labelsText(metadata.labels),
};

/** What of its conditions asks for attention, by reason. */
export const conditionsColumn: Column<{ readonly status: { readonly conditions: readonly Condition[] } }> = {
  title: "CONDITIONS",
  wide: true,
  cell({ status }) {
    const reasons = status.conditions.filter((each) => each.status !== "True").map(({ reason }) => reason);
    return { text: reasons.join(","), tone: "doubt" };
  },
};
