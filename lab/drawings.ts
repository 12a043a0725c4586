import { stripVTControlCharacters } from "node:util";
import type { CheckReport } from "./check.ts";
import type { LabShape } from "./show.ts";

/** What people see of a lab: text, ending with a newline. Pure. */

/** Colours, or none. */
export interface Paint {
  good(text: string): string;
  bad(text: string): string;
  faint(text: string): string;
}

/** Rows in columns as wide as they need; the last one is not padded. */
export function drawColumns(rows: readonly (readonly string[])[], gap = "   "): string {
  const widthOf = (text: string): number => stripVTControlCharacters(text).length;
  const count = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: count }, (_, at) => Math.max(...rows.map((row) => widthOf(row[at] ?? ""))));
  const pad = (text: string, at: number, row: readonly string[]): string =>
    at === row.length - 1 ? text : text + " ".repeat((widths[at] ?? 0) - widthOf(text));
  return rows.map((row) => `${row.map(pad).join(gap)}\n`).join("");
}

/** Clusters with their ranges, nodes and pods, and where to find them. */
export function drawLab({ hub, clusters }: LabShape): string {
  const ranges = clusters.map(({ name, lan, podCIDRs }) => [name, [lan].flat().join(","), podCIDRs.join(",") || "-"]);
  const places = clusters.flatMap(({ name, router, nodes, pods }) => [
    [`${name}/router`, router.nat ? "NAT" : "router", router.addresses.join(","), router.netns],
    ...nodes.map((node) => [
      `${name}/${node.name}`,
      node.gateway ? "gateway" : "node",
      node.addresses.join(","),
      node.netns,
    ]),
    ...pods.map((pod) => [
      `${name}/${pod.name}`,
      pod.network === "overlay" ? `pod on ${pod.node}` : `underlay pod on ${pod.node}`,
      pod.addresses.join(","),
      pod.netns,
    ]),
  ]);
  return [
    drawColumns([["CLUSTER", "LAN", "POD CIDRS"], ...ranges]),
    "\n",
    drawColumns([["PLACE", "WHAT", "ADDRESSES", "NETWORK NAMESPACE"], ["hub", "hub", hub.nats, hub.netns], ...places]),
  ].join("");
}

/** Who reached whom: senders down, receivers across, round-trip times where all is well. */
export function drawMatrix({ pairs, isolated, passed, failed }: CheckReport, paint: Paint): string {
  const all = [...pairs, ...isolated];
  const families = [...new Set(all.map(({ family }) => family))].toSorted((a, b) => a - b);
  const cell = (from: string, to: string, family: number): string => {
    const found = pairs.find((pair) => pair.from === from && pair.to === to && pair.family === family);
    if (found !== undefined) {
      const fault = faultOf(found);
      return fault === undefined ? paint.good(`${(found.rttMs ?? 0).toFixed(2)} ms`) : paint.bad(fault);
    }
    const apart = isolated.find((pair) => pair.from === from && pair.to === to && pair.family === family);
    if (apart === undefined) return "";
    return apart.ok ? paint.faint("apart") : paint.bad("LEAK");
  };
  const tables = families.map((family) => {
    const names = [...new Set(all.filter((pair) => pair.family === family).map(({ from }) => from))];
    const head = [families.length > 1 ? `IPv${family}, from \\ to` : "from \\ to", ...names];
    return drawColumns([
      head,
      ...names.map((from) => [from, ...names.map((to) => (from === to ? paint.faint("·") : cell(from, to, family)))]),
    ]);
  });
  const words = `${passed} of ${passed + failed} ways are as they must be`;
  return `${tables.join("\n")}\n${failed === 0 ? paint.good(words) : paint.bad(`${words}, ${failed} ${failed === 1 ? "is" : "are"} not`)}\n`;
}

function faultOf({ ok, sourcePreserved, largeOk }: CheckReport["pairs"][number]): string | undefined {
  if (!ok) return "NO REACH";
  if (!sourcePreserved) return "SOURCE";
  return largeOk ? undefined : "LARGE";
}
