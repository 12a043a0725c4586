import { expect, test } from "@jest/globals";
import { AGENT_LABELS, labelled } from "./labels.ts";

type Pairs = Readonly<Record<string, string>>;

test.each<[string, Pairs, Pairs, Pairs, Pairs, string | undefined]>([
  ["is told is written", {}, {}, { site: "berlin", rack: "1" }, { site: "berlin", rack: "1" }, "rack,site"],
  ["a person wrote stays", { disk: "ssd" }, {}, { site: "berlin" }, { disk: "ssd", site: "berlin" }, "site"],
  ["is told counts before a person's word", { site: "paris" }, {}, { site: "berlin" }, { site: "berlin" }, "site"],
  [
    "is told no more goes",
    { disk: "ssd", site: "berlin", rack: "1" },
    { [AGENT_LABELS]: "rack,site" },
    { site: "berlin" },
    { disk: "ssd", site: "berlin" },
    "site",
  ],
  ["is told no more goes, the last of it, too", { site: "berlin" }, { [AGENT_LABELS]: "site" }, {}, {}, undefined],
])("what an agent %s", (_what, labels, annotations, told, expected, written) => {
  const next = labelled({ labels, annotations: { ...annotations, note: "x" } }, told);
  expect(next).toEqual({
    labels: expected,
    annotations: { note: "x", ...(written !== undefined && { [AGENT_LABELS]: written }) },
  });
  expect(labelled(next, told)).toEqual(next);
});
