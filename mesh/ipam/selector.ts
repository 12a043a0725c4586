import type { NodeSelector } from "./resources.ts";

/** Whether a node has every label that is asked for. */
export function selects(selector: NodeSelector, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(selector).every(([label, value]) => labels[label] === value);
}

/** Only different values of one label make sure that no node has both. */
export function areDisjoint(one: NodeSelector, other: NodeSelector): boolean {
  return Object.entries(one).some(([label, value]) => other[label] !== undefined && other[label] !== value);
}

/** `site=berlin,rack=1`, or `all nodes`. */
export function selectorText(selector: NodeSelector): string {
  const pairs = Object.entries(selector).map(([label, value]) => `${label}=${value}`);
  return pairs.join(",") || "all nodes";
}
