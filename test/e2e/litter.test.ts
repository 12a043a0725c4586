import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { eventually } from "../../platform/testing/eventually.ts";
import { pairsCheck } from "./support/check.ts";
import { hostLinks, litterOf } from "./support/litter.ts";
import { LAB_LIMIT_MS, newTestLab, TWO_CLUSTERS } from "./support/test-lab.ts";
import type { TestLab } from "./support/test-lab.ts";

/** A lab leaves nothing, whole or half made, and touches no other. */

const links = hostLinks();
const labs: TestLab[] = [];

function anotherLab(): TestLab {
  const lab = newTestLab();
  labs.push(lab);
  return lab;
}

const one = anotherLab();
const other = anotherLab();

beforeAll(async () => {
  await Promise.all([one.up(TWO_CLUSTERS), other.up(TWO_CLUSTERS)]);
}, LAB_LIMIT_MS);

afterAll(async () => {
  await Promise.all(labs.map((lab) => lab.down()));
}, LAB_LIMIT_MS);

test("two labs stand side by side, with the same addresses in both", async () => {
  for (const lab of [one, other]) expect(await pairsCheck(lab)).toMatchObject({ passed: 3 * 2, failed: 0 });
  for (const kind of ["process", "namespace", "mount", "state"])
    expect(litterOf(one, links)).toContainEqual(expect.stringContaining(`${kind} `));
});

test("lab down leaves nothing of the one, and the other works on", async () => {
  await one.do("down");
  expect(litterOf(one, links)).toEqual([]);
  expect(await pairsCheck(other)).toMatchObject({ passed: 3 * 2, failed: 0 });
});

test("lab down of the last leaves nothing at all, and a second time says that there is none", async () => {
  await other.do("down");
  expect(litterOf(other, links)).toEqual([]);
  const { code, err } = await other.try("lab", "down", "--name", other.name);
  expect({ code, err }).toEqual({ code: 0, err: expect.stringContaining(`there is no lab ${other.name}`) });
});

/** Exit code and standard error, together: if one is wrong the other says why. */
const HALF_MADE = [130, expect.stringContaining("is half made")];
const KILLED = [null, expect.anything()];
test.each([
  ["SIGINT", "its net", "net of", HALF_MADE],
  ["SIGINT", "its hub", "hub, with", HALF_MADE],
  ["SIGKILL", "its net", "net of", KILLED],
  ["SIGKILL", "its hub", "hub, with", KILLED],
] as const)(
  "a lab up that ends by %s once it has %s is taken away by lab down, all of it",
  async (signal, _, step, end) => {
    const lab = anotherLab();
    const typing = lab.start("lab", "up", TWO_CLUSTERS, "--name", lab.name);
    await eventually(() => typing.said().includes(`✔ ${step}`) || typing.said());
    typing.signal(signal);
    const { code, err } = await typing.ended;
    expect([code, err]).toEqual(end);
    expect(litterOf(lab, links)).not.toEqual([]);
    await lab.do("down");
    expect(litterOf(lab, links)).toEqual([]);
  },
);
