import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { eventually } from "../../platform/testing/eventually.ts";
import { startCapture } from "./support/capture.ts";
import { awaitAnswer, pingOnce, startPings } from "./support/ping.ts";
import { meshAddress, sourceSeen } from "./support/talk.ts";
import { allUp, LAB_LIMIT_MS, meshPrefixes, newTestLab, TWO_CLUSTERS } from "./support/test-lab.ts";
import { traceWay } from "./support/trace.ts";

/** With which addresses packets travel, what the end of a link closes, and what trace says of each state. */

const lab = newTestLab();
/** Opened to remote clusters on node east/b by the lab's file. */
const OPEN_PORT = 8080;
/** A member that is not told of its view looks for it when the hub refreshes that, every 30 s. */
const CLOSED_LIMIT_MS = 20_000;

beforeAll(async () => {
  await lab.up(TWO_CLUSTERS);
}, LAB_LIMIT_MS);

afterAll(() => lab.down(), LAB_LIMIT_MS);

/** Waits until trace says that packets go all the way. */
function awaitWay(from: string, to: string): Promise<void> {
  return eventually(async () => {
    const traced = await traceWay(lab, from, to);
    return (traced.code === 0 && traced.reachable && traced.broken === undefined) || traced;
  });
}

test("a pod on a plain node and one in the other cluster see each other's own addresses", async () => {
  const [api, db] = [lab.place("east/api"), lab.place("west/db")];
  expect(await sourceSeen(api, db, lab.pod("west/db"))).toBe(lab.pod("east/api"));
  expect(await sourceSeen(db, api, lab.pod("east/api"))).toBe(lab.pod("west/db"));
});

test.each(["a", "b"])("what node east/%s itself sends to a remote pod comes from its mesh address", async (node) => {
  const seen = await sourceSeen(lab.place(`east/${node}`), lab.place("west/db"), lab.pod("west/db"));
  expect(seen).toBe(await meshAddress(lab, "east", node));
});

test("a remote pod reaches an open port of a plain node at the node's mesh address, and pings a gateway at its own", async () => {
  const db = lab.place("west/db");
  const seen = await sourceSeen(db, lab.place("east/b"), await meshAddress(lab, "east", "b"), { port: OPEN_PORT });
  expect(seen).toBe(lab.pod("west/db"));
  await awaitAnswer(db, await meshAddress(lab, "east", "a"));
});

test(
  "a link that is deleted is closed at once, in so many words, and nothing leaves in clear; a new one opens",
  async () => {
    await awaitWay("west/db", "east/api");
    const inner = await meshPrefixes(lab);
    const captures = await Promise.all(["east", "west"].map((site) => startCapture(lab.router(site), "uplink", inner)));
    const pings = await startPings(lab.place("west/db"), lab.pod("east/api"));
    const back = await startPings(lab.place("east/api"), lab.pod("west/db"));
    await lab.ask("link", "delete", "both");
    const deletedMs = performance.now();
    await eventually(
      () => (pings.seen().unreachable > 0 && back.seen().unreachable > 0) || [pings.seen(), back.seen()],
      CLOSED_LIMIT_MS,
    );
    console.log(`the link is deleted: both told "unreachable" after ${Math.round(performance.now() - deletedMs)} ms`);
    await eventually(async () => {
      const { pairs } = await lab.status();
      return pairs.length === 0 || pairs;
    });
    expect(await traceWay(lab, "west/db", "east/api")).toMatchObject({
      code: 1,
      reachable: false,
      broken: {
        check: "link",
        detail: 'no ClusterLink joins "west" and "east"',
        remedy: "trestle link create NAME --members west,east",
      },
    });
    await eventually(async () => {
      const said = await pingOnce(lab.place("east/web"), lab.pod("west/db"));
      return said.includes("Destination Host Unreachable") || said;
    });
    const captured = await Promise.all(captures.map(({ stop }) => stop()));
    expect(captured.map(({ clear }) => clear)).toEqual([[], []]);
    expect(captured.every(({ sealed }) => sealed.length > 0)).toBe(true);
    await Promise.all([pings.stop(), back.stop()]);

    await lab.ask("link", "create", "again", "--members", "east,west");
    await awaitAnswer(lab.place("west/db"), lab.pod("east/api"));
    await eventually(() => allUp(lab, 2));
    await awaitWay("west/db", "east/api");
  },
  LAB_LIMIT_MS,
);

test("trace names the side that has not applied the latest view, and its agent", async () => {
  await lab.break("agent:west/a");
  await lab.ask("link", "delete", "again");
  await lab.ask("link", "create", "third", "--members", "east,west");
  await eventually(async () => {
    const { broken } = await traceWay(lab, "east", "west");
    return broken?.check === "far-side view" || broken;
  });
  const { code, broken } = await traceWay(lab, "west", "east");
  expect({ code, check: broken?.check }).toEqual({ code: 1, check: "source view" });
  expect(broken?.detail).toMatch(/^cluster "west" has applied revision \d+\.\d+, the hub published \d+\.\d+$/);
  expect(broken?.remedy).toContain('agent\'s log in "west"');
  await lab.mend("agent:west/a");
  await eventually(() => allUp(lab, 2));
});

test(
  "a site that is cut off: trace names the silent tunnel, then the silent member; mended, all is up again",
  async () => {
    await lab.break("wan:west");
    await eventually(async () => {
      const { broken } = await traceWay(lab, "east/api", "west/db");
      return (broken?.check === "tunnel out" && broken.detail.includes("Doubtful (Silent: nothing heard")) || broken;
    }, 120_000);
    await eventually(async () => {
      const { broken } = await traceWay(lab, "west/db", "east/api");
      return (broken?.check === "tunnel out" && broken.detail.includes("Doubtful (MemberSilent")) || broken;
    }, 120_000);
    await lab.mend("wan:west");
    await awaitAnswer(lab.place("east/api"), lab.pod("west/db"));
    await eventually(() => allUp(lab, 2), 60_000);
  },
  LAB_LIMIT_MS,
);
