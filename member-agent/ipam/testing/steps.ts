import fc from "fast-check";
import { SLOTS } from "./model-pods.ts";

/** One thing that happens; `turns` is how long until the next one does, for all are answered while others go on. */
export type Step = { readonly turns: number } & (
  | { readonly op: "run"; readonly slot: number; readonly node: number }
  | { readonly op: "renew" | "end" | "vanish" | "late-del" | "delete-set"; readonly slot: number }
  | { readonly op: "exclude" | "reserve"; readonly place: number }
  /** A pod that asks by name for what was reserved last. */
  | { readonly op: "name"; readonly node: number }
  | { readonly op: "crash"; readonly node: number; readonly after: number }
  | { readonly op: "cut" | "mend" | "pass"; readonly node: number }
  | { readonly op: "snapshot" | "restore" | "settle" | "control" }
);

/** What may happen in a cluster of so many nodes. */
export function steps(nodes: number, { restores }: { readonly restores: boolean }): fc.Arbitrary<Step[]> {
  const turns = fc.constantFrom(0, 1, 5, 40);
  const slot = fc.nat(SLOTS.length - 1);
  const node = fc.nat(nodes - 1);
  const of = <T extends Step["op"]>(...ops: T[]) => fc.constantFrom(...ops);
  const faults: fc.WeightedArbitrary<Step>[] = restores
    ? [{ weight: 4, arbitrary: fc.record({ turns, op: of("snapshot", "restore") }) as fc.Arbitrary<Step> }]
    : [];
  const step = fc.oneof(
    { weight: 12, arbitrary: fc.record({ turns, op: of("run"), slot, node }) },
    { weight: 6, arbitrary: fc.record({ turns, op: of("end"), slot }) },
    { weight: 4, arbitrary: fc.record({ turns, op: of("renew", "late-del", "vanish"), slot }) },
    { weight: 1, arbitrary: fc.record({ turns, op: of("delete-set"), slot }) },
    {
      weight: 2,
      arbitrary: fc.record({ turns, op: of("exclude", "reserve"), place: fc.integer({ min: 1, max: 13 }) }),
    },
    { weight: 2, arbitrary: fc.record({ turns, op: of("name"), node }) },
    { weight: 4, arbitrary: fc.record({ turns, op: of("crash"), node, after: fc.nat(30) }) },
    { weight: 4, arbitrary: fc.record({ turns, op: of("cut", "mend", "pass"), node }) },
    { weight: 3, arbitrary: fc.record({ turns, op: of("settle", "control") }) },
    ...faults,
  );
  return fc.array(step as fc.Arbitrary<Step>, { maxLength: 40 });
}

/** What may happen once an address is reserved while a node is cut off, which may be the owner of its block. */
export function reservations(nodes: number): fc.Arbitrary<Step[]> {
  const turns = fc.constantFrom(0, 1, 5, 40);
  const node = fc.nat(nodes - 1);
  const of = <T extends Step["op"]>(...ops: T[]) => fc.constantFrom(...ops);
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ turns, op: of("run"), slot: fc.nat(3), node }) },
    { weight: 2, arbitrary: fc.record({ turns, op: of("end"), slot: fc.nat(SLOTS.length - 1) }) },
    { weight: 3, arbitrary: fc.record({ turns, op: of("reserve"), place: fc.integer({ min: 1, max: 13 }) }) },
    { weight: 4, arbitrary: fc.record({ turns, op: of("name"), node }) },
    { weight: 1, arbitrary: fc.record({ turns, op: of("crash"), node, after: fc.nat(10) }) },
    { weight: 4, arbitrary: fc.record({ turns, op: of("cut", "mend", "pass"), node }) },
  );
  const rest = fc.array(step as fc.Arbitrary<Step>, { minLength: 4, maxLength: 20 });
  return fc
    .record({ node, place: fc.integer({ min: 1, max: 11 }), rest })
    .map((of) => [
      { turns: 0, op: "settle" },
      { turns: 0, op: "cut", node: of.node },
      { turns: 40, op: "reserve", place: of.place },
      ...of.rest,
    ]);
}
