import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { widgets } from "../testing/widget.ts";
import type { Widget } from "../testing/widget.ts";
import { WatchedLevel } from "./level.ts";
import { newObject } from "./objects.ts";

const widget = (name: string, size: number): Widget =>
  newObject(widgets, { metadata: { name }, spec: { size } }, { uid: "u", now: 0 });
const put = (name: string, size: number) => ({ put: widget(name, size) });

interface Written {
  readonly name: string;
  readonly sequence: number;
  readonly deleted: boolean;
}

/** A history of one stream: entry n has sequence n + 1. */
const history = fc
  .array(fc.record({ name: fc.constantFrom("a", "b", "c"), deleted: fc.boolean() }), { maxLength: 20 })
  .map((entries) => entries.map((entry, n): Written => ({ ...entry, sequence: n + 1 })));

const seen = ({ name, sequence, deleted }: Written) => (deleted ? "deleted" : put(name, sequence));
const lastOf = (entries: readonly Written[]): Written[] => [
  ...new Map(entries.map((entry) => [entry.name, entry])).values(),
];
/** Sequence of each name that is not deleted. */
const present = (entries: readonly Written[]) =>
  new Map(
    lastOf(entries)
      .filter(({ deleted }) => !deleted)
      .map(({ name, sequence }) => [name, sequence]),
  );
const known = (level: WatchedLevel<Widget>) => new Map([...level.objects].map(([name, { spec }]) => [name, spec.size]));

describe("what a watch knows", () => {
  test("is the newest of what it was shown, in whatever order and however often", () => {
    fc.assert(
      fc.property(
        history.chain((entries) =>
          fc.tuple(fc.constant(entries), fc.shuffledSubarray([...entries, ...entries], { minLength: entries.length })),
        ),
        ([entries, shown]) => {
          const level = new WatchedLevel<Widget>();
          const told = [...shown, ...lastOf(entries)].flatMap(
            (entry) => level.observe(entry.name, entry.sequence, seen(entry)) ?? [],
          );
          for (const name of ["a", "b", "c"]) {
            const sizes = told.flatMap((change) =>
              change.op === "put" && change.name === name ? change.object.spec.size : [],
            );
            expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
          }
          expect(known(level)).toEqual(present(entries));
        },
      ),
    );
  });

  test("is mended by a whole list, whatever messages were lost, before it or after", () => {
    fc.assert(
      fc.property(history, fc.nat(20), fc.infiniteStream(fc.boolean()), (entries, listedAt, luck) => {
        const level = new WatchedLevel<Widget>();
        const before = entries.slice(0, listedAt);
        const after = entries.slice(listedAt);
        for (const entry of before) if (luck.next().value) level.observe(entry.name, entry.sequence, seen(entry));
        // Messages of after the list was begun may come before its answer.
        const early = after.filter(() => luck.next().value);
        for (const entry of early) level.observe(entry.name, entry.sequence, seen(entry));
        // Markers may be gone from a list: what it lacks is gone too.
        const listed = lastOf(before).filter(({ deleted }) => !deleted);
        for (const entry of listed) level.observe(entry.name, entry.sequence, seen(entry));
        level.settle(new Set(listed.map(({ name }) => name)), before.length);
        expect(known(level)).toEqual(present([...before, ...early]));
      }),
    );
  });

  test("forgets the dead no sooner than their late messages can't come any more", () => {
    const level = new WatchedLevel<Widget>();
    level.observe("a", 1, put("a", 1));
    level.observe("a", 2, "deleted");
    level.settle(new Set(), 2);
    expect(level.observe("a", 1, put("a", 1))).toBeUndefined();
    level.settle(new Set(), 9);
    level.settle(new Set(), 9);
    expect(level.objects.size).toBe(0);
  });

  test("in a stream made anew starts over, and what that lacks is told as deleted", () => {
    const level = new WatchedLevel<Widget>();
    level.observe("a", 7, put("a", 7));
    level.observe("b", 8, put("b", 8));
    level.forgetSequences();
    expect(level.highest).toBe(0);
    expect(level.observe("a", 1, put("a", 1))).toMatchObject({ op: "put" });
    expect(level.settle(new Set(["a"]), 1)).toEqual([{ op: "delete", name: "b" }]);
  });

  test("an entry that can't be read leaves what was known, and is not told", () => {
    const level = new WatchedLevel<Widget>();
    level.observe("a", 1, put("a", 1));
    expect(level.observe("a", 2, "unreadable")).toBeUndefined();
    expect(known(level)).toEqual(new Map([["a", 1]]));
  });
});
