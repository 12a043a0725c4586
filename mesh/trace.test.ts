import { expect, test } from "@jest/globals";
import type { PairState, PairStatus, Revision } from "./resources.ts";
import { cluster } from "./testing/objects.ts";
import type { TraceFacts } from "./trace.ts";
import { trace } from "./trace.ts";

const NEW: Revision = { epoch: 2, generation: 3 };
const OLD: Revision = { epoch: 2, generation: 2 };

const pair = (from: string, to: string, state: PairState, changes: Partial<PairStatus> = {}): PairStatus => ({
  from,
  to,
  tunnel: "WireGuard",
  state,
  reason: "Heard",
  message: "1 of 1",
  since: "2026-01-01T00:00:00Z",
  ...changes,
});

/** Two linked clusters between which all is well, but for `changes`. */
function facts(changes: Partial<TraceFacts> = {}): TraceFacts {
  const status = cluster("any", { status: { revision: { desired: NEW, applied: NEW } } }).status;
  return {
    from: { asked: "10.4.0.2", cluster: "east", prefix: "10.4.0.0/16" },
    to: { asked: "west", cluster: "west" },
    link: "all",
    status: () => status,
    pair: (from, to) => pair(from, to, "Up"),
    ...changes,
  };
}

/** Facts in which the status of one cluster is another. */
function revisionOf(name: string, revision: { desired?: Revision; applied?: Revision }): Partial<TraceFacts> {
  const { status } = facts();
  return {
    status: (asked) => (asked === name ? cluster(name, { status: { revision } }).status : status(asked)),
  };
}

/** Facts in which the tunnels from one cluster are in that state; undefined: nobody said. */
function tunnelsFrom(name: string, state: PairState | undefined): Partial<TraceFacts> {
  return { pair: (from, to) => (from === name ? state && pair(from, to, state) : pair(from, to, "Up")) };
}

test("a packet is followed there and back", () => {
  const { reachable, hops } = trace(facts());
  expect(reachable).toBe(true);
  expect(hops.every(({ ok, remedy }) => ok && remedy === undefined)).toBe(true);
  expect(hops.map(({ check }) => check)).toEqual([
    "source",
    "destination",
    "link",
    "source view",
    "tunnel out",
    "far-side view",
    "tunnel back",
  ]);
  expect(hops.slice(0, 2).map(({ detail }) => detail)).toEqual([
    '10.4.0.2 is in 10.4.0.0/16 of cluster "east"',
    'cluster "west"',
  ]);
});

test("a tunnel of which no words are told is told by its reason", () => {
  const quiet = { pair: (from: string, to: string) => ({ ...pair(from, to, "Up"), message: "" }) };
  expect(trace(facts(quiet)).hops.map(({ detail }) => detail)).toContainEqual(expect.stringContaining("Up (Heard)"));
});

test("within one cluster there is no tunnel to ask about", () => {
  const { reachable, hops } = trace(facts({ to: { asked: "10.4.1.2", cluster: "east" }, link: undefined }));
  expect(reachable).toBe(true);
  expect(hops.map(({ check }) => check)).toEqual(["source", "destination", "path"]);
});

test("a pair that some gateways serve lets packets through", () => {
  expect(trace(facts(tunnelsFrom("east", "Degraded"))).reachable).toBe(true);
});

test.each<[string, Partial<TraceFacts>, string, string]>([
  ["a source that is nobody's", { from: { asked: "10.9.0.1" } }, "source", "no cluster of this mesh owns 10.9.0.1"],
  ["a destination that is nobody's", { to: { asked: "10.9.0.1" } }, "destination", "owns 10.9.0.1"],
  ["no link", { link: undefined }, "link", 'no ClusterLink joins "east" and "west"'],
  ["a source that applied nothing", revisionOf("east", { desired: NEW }), "source view", "has not applied any view"],
  [
    "a source that is behind",
    revisionOf("east", { desired: NEW, applied: OLD }),
    "source view",
    "has applied revision 2.2, the hub published 2.3",
  ],
  ["no word of the tunnel", tunnelsFrom("east", undefined), "tunnel out", 'no gateway of "east" has reported'],
  ["a tunnel that is down", tunnelsFrom("east", "Unreachable"), "tunnel out", "Unreachable (Heard: 1 of 1)"],
  ["a tunnel not yet up", tunnelsFrom("east", "Pending"), "tunnel out", "Pending"],
  ["a far side that is behind", revisionOf("west", { desired: NEW, applied: OLD }), "far-side view", '"west"'],
  ["a way back that is down", tunnelsFrom("west", "Unreachable"), "tunnel back", 'from "west" to "east"'],
])("%s stops the packet there, with a remedy", (_, changes, check, detail) => {
  const { reachable, hops } = trace(facts(changes));
  expect(reachable).toBe(false);
  const last = hops.at(-1);
  expect(last).toMatchObject({ check, ok: false, detail: expect.stringContaining(detail) });
  expect(last?.remedy).toMatch(/./);
  expect(hops.slice(0, -1).every(({ ok }) => ok)).toBe(true);
});

test("the remedy speaks of the tunnel's own ports", () => {
  const blocked = (from: string, to: string): PairStatus => pair(from, to, "Unreachable", { tunnel: "VXLAN" });
  expect(trace(facts({ pair: blocked })).hops.at(-1)?.remedy).toContain("VXLAN UDP ports");
});
