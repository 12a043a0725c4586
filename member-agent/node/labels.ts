import type { Metadata } from "../../mesh/resources.ts";

/** Names of the labels that a node's agent wrote, with commas: what it is told no more goes, what a person wrote stays. */
export const AGENT_LABELS = "trestle.dev/agent-labels";

type Labelled = Pick<Metadata, "labels" | "annotations">;

/** Metadata of a Node whose agent was told `told` by --label: of the same name, its word counts. */
export function labelled(present: Labelled, told: Readonly<Record<string, string>>): Labelled {
  const { [AGENT_LABELS]: written = "", ...annotations } = present.annotations;
  const before = new Set(written.split(",").filter((name) => told[name] === undefined));
  const kept = Object.entries(present.labels).filter(([name]) => !before.has(name));
  const names = Object.keys(told).toSorted().join(",");
  return {
    labels: { ...Object.fromEntries(kept), ...told },
    annotations: names === "" ? annotations : { ...annotations, [AGENT_LABELS]: names },
  };
}
