import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Nexthop } from "../state.ts";
import type { ObservedNexthop } from "./observe.ts";
import type { NexthopStep } from "./plan.ts";
import { planNexthops } from "./plan.ts";

const FOUR: Nexthop = { id: 10, family: 4, device: "trs0-0" };
const OTHER: Nexthop = { id: 11, family: 4, device: "trs0-1" };
const SIX: Nexthop = { id: 110, family: 6, device: "trs0-0" };
const GROUP: Nexthop = { id: 1000, group: [10, 11] };

test.each<[string, readonly Nexthop[], readonly ObservedNexthop[], readonly NexthopStep[], readonly NexthopStep[]]>([
  ["nothing differs", [FOUR, OTHER, GROUP], [FOUR, OTHER, GROUP], [], []],
  ["a group in another order is the same", [FOUR, OTHER, GROUP], [FOUR, OTHER, { id: 1000, group: [11, 10] }], [], []],
  [
    "members are added before groups",
    [GROUP, FOUR, OTHER],
    [],
    [
      { op: "add", nexthop: FOUR },
      { op: "add", nexthop: OTHER },
      { op: "add", nexthop: GROUP },
    ],
    [],
  ],
  [
    "a group shrinks before its member is deleted",
    [FOUR, { id: 1000, group: [10] }],
    [FOUR, OTHER, GROUP],
    [{ op: "replace", nexthop: { id: 1000, group: [10] } }],
    [{ op: "delete", id: 11 }],
  ],
  [
    "groups are deleted before members",
    [],
    [FOUR, GROUP, OTHER],
    [],
    [
      { op: "delete", id: 1000 },
      { op: "delete", id: 10 },
      { op: "delete", id: 11 },
    ],
  ],
  [
    "a device of the same id is replaced",
    [FOUR],
    [{ ...FOUR, device: "trs0-9" }],
    [{ op: "replace", nexthop: FOUR }],
    [],
  ],
  [
    "a router comes or goes",
    [{ ...FOUR, via: "10.2.255.1", onlink: true }],
    [FOUR],
    [{ op: "replace", nexthop: { ...FOUR, via: "10.2.255.1", onlink: true } }],
    [],
  ],
  [
    "a changed family takes its group along, so that is written again",
    [
      { ...SIX, id: 10 },
      { id: 1000, group: [10] },
    ],
    [FOUR, { id: 1000, group: [10] }],
    [
      { op: "recreate", nexthop: { ...SIX, id: 10 } },
      { op: "replace", nexthop: { id: 1000, group: [10] } },
    ],
    [],
  ],
  [
    "a group where a device was is made anew",
    [{ id: 10, group: [11] }, OTHER],
    [FOUR, OTHER],
    [{ op: "recreate", nexthop: { id: 10, group: [11] } }],
    [],
  ],
  [
    "a weight that is not ours goes",
    [FOUR, OTHER, GROUP],
    [FOUR, OTHER, { ...GROUP, altered: true }],
    [{ op: "replace", nexthop: GROUP }],
    [],
  ],
])("%s", (_what, want, have, put, remove) => {
  expect(planNexthops(want, have)).toEqual({ put, remove });
});

/** Members of both families with low ids, groups of them with high ones; a few ids may be either. */
function nexthops(): fc.Arbitrary<Nexthop[]> {
  const member = (id: number): fc.Arbitrary<Nexthop> =>
    fc.record({ id: fc.constant(id), family: fc.constantFrom(4, 6), device: fc.constantFrom("trs0-0", "trs0-1") });
  const members = fc.subarray([1, 2, 3, 4], { minLength: 1 }).chain((ids) => fc.tuple(...ids.map(member)));
  return members.chain((singles) => {
    const taken = new Set(singles.map(({ id }) => id));
    const free = [3, 4, 5, 6, 7].filter((id) => !taken.has(id));
    const group = (id: number): fc.Arbitrary<Nexthop> =>
      fc.record({
        id: fc.constant(id),
        group: fc.subarray(
          singles.map((single) => single.id),
          { minLength: 1 },
        ),
      });
    return fc.subarray(free).chain((ids) => fc.tuple(...ids.map(group)).map((groups) => [...singles, ...groups]));
  });
}

/** The kernel's rules: a replace keeps form and family, a deleted member leaves its groups, and an empty group is gone. */
function applied(have: readonly Nexthop[], steps: readonly NexthopStep[]): Nexthop[] {
  const kernel = new Map(have.map((nexthop) => [nexthop.id, nexthop]));
  const remove = (id: number) => {
    kernel.delete(id);
    for (const other of kernel.values()) {
      if ("group" in other && other.group.includes(id)) {
        const left = other.group.filter((member) => member !== id);
        if (left.length === 0) kernel.delete(other.id);
        else kernel.set(other.id, { id: other.id, group: left });
      }
    }
  };
  const form = (nexthop: Nexthop) => ("group" in nexthop ? "group" : nexthop.family);
  for (const step of steps) {
    if (step.op === "delete") {
      remove(step.id);
      continue;
    }
    const { nexthop } = step;
    if (step.op === "recreate") remove(nexthop.id);
    const before = kernel.get(nexthop.id);
    if (before !== undefined && (step.op === "add" || form(before) !== form(nexthop)))
      throw new Error(`refused: ${JSON.stringify(step)}`);
    if ("group" in nexthop && !nexthop.group.every((id) => kernel.has(id) && !("group" in (kernel.get(id) ?? {})))) {
      throw new Error(`no such member: ${JSON.stringify(step)}`);
    }
    kernel.set(nexthop.id, nexthop);
  }
  return [...kernel.values()];
}

test("applying a plan leaves nothing to plan, and the kernel refuses no step of it", () => {
  fc.assert(
    fc.property(nexthops(), nexthops(), (want, have) => {
      const { put, remove } = planNexthops(want, have);
      const after = applied(applied(have, put), remove);
      expect(planNexthops(want, after)).toEqual({ put: [], remove: [] });
      expect(after).toHaveLength(want.length);
    }),
  );
});
