import { eventually } from "../../../platform/testing/eventually.ts";
import type { Pinging } from "./ping.ts";
import type { TestLab } from "./test-lab.ts";

/** Where one gateway's WireGuard sends what is for another, both `CLUSTER/NODE`: `address:port`, empty when it does not know. */
export async function dialled(lab: TestLab, from: string, to: string): Promise<string> {
  const key = rows(await lab.place(to).run("wg", ["show", "all", "public-key"]))[0]?.at(-1) ?? "";
  const endpoints = rows(await lab.place(from).run("wg", ["show", "all", "endpoints"]));
  return endpoints.find((columns) => columns.includes(key))?.at(-1) ?? "";
}

/** Columns of what `wg show all` prints: of several peers of a device only the first has its name before it. */
function rows(table: string): string[][] {
  return table
    .trim()
    .split("\n")
    .map((line) => line.split("\t"));
}

/** Waits until a change has been followed, and pings, which it stopped, are answered again. @returns milliseconds it took */
export async function followed(
  pings: readonly Pinging[],
  isFollowed: () => Promise<unknown>,
  limitMs: number,
): Promise<number> {
  const since = performance.now();
  await eventually(isFollowed, limitMs);
  const answered = pings.map(({ seen }) => seen().answered);
  const isBack = ({ seen }: Pinging, at: number): boolean => seen().answered > (answered[at] ?? 0);
  await eventually(() => pings.every(isBack) || pings.map(({ seen }) => seen().answered), limitMs);
  return Math.round(performance.now() - since);
}
