import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { systemClock } from "../platform/clock.ts";
import { eventually } from "../platform/testing/eventually.ts";
import { findTool } from "../platform/tools.ts";
import { amendDataPath } from "./amend.ts";
import { syncDataPath } from "./data-path.ts";
import type { DataPathDeps } from "./parts.ts";
import type { DataPath } from "./state.ts";
import { DAMAGES } from "./testing/damages.ts";
import { makeLoneNode } from "./testing/lone-node.ts";
import type { TestNode } from "./testing/namespace.ts";
import { RICH, pathOf, testKeys } from "./testing/paths.ts";
import { keptSysctls } from "./testing/sysctl-memory.ts";
import { watchKernel } from "./watch.ts";
import { heldLines } from "./watch-held.ts";
import type { SaysHeld } from "./watch-held.ts";

const LIMIT_MS = 300_000;

let node: TestNode;
let deps: DataPathDeps;
let rich: DataPath;
const life = new AbortController();
let watching: Promise<void>;
let saysHeld: SaysHeld = () => false;
const lines: string[] = [];
const news: string[] = [];

beforeAll(async () => {
  node = await makeLoneNode("held");
  const wireGuardGo = findTool("wireguard-go", process.env["PATH"] ?? "");
  deps = { run: node.run, wireGuardGo, clock: systemClock, sysctlMemory: keptSysctls(), endpointMemory: new Map() };
  rich = pathOf(RICH, await testKeys(node.run));
  const isExpected = (line: string): boolean => {
    lines.push(line);
    const isHeld = saysHeld(line);
    if (!isHeld) news.push(line);
    return isHeld;
  };
  watching = watchKernel(
    { prefix: node.prefix, clock: systemClock, devices: ["eth0"], onDevice: () => undefined, isExpected },
    () => undefined,
    life.signal,
  );
  await sync(rich);
}, LIMIT_MS);

afterAll(async () => {
  life.abort();
  await watching;
  await node?.remove();
}, LIMIT_MS);

async function sync(path: DataPath): Promise<readonly string[]> {
  saysHeld = heldLines(path);
  const { done, failed } = await syncDataPath(deps, path);
  expect(failed).toEqual([]);
  return done.map(({ part, step }) => `${part}: ${step}`);
}

/** Waits until the monitors told all that happened before, and says what of it was news. */
async function toldSince(act: () => Promise<unknown>): Promise<{ lines: string[]; news: string[] }> {
  const from = [lines.length, news.length] as const;
  await act();
  // Monitors tell in order, so once they told of this, they told of all before. They may still be starting: again, then.
  const mark = /unreachable 198\.18\.0\.1 |inet trestle-mark/;
  await eventually(async () => {
    const before = lines.length;
    await node.run("sh", ["-c", MARK]);
    await eventually(() => lines.length >= before + 3 || lines.slice(before), 1_000).catch(() => undefined);
    const marks = lines.slice(before).filter((line) => mark.test(line));
    return marks.some((line) => line.includes("table")) && marks.some((line) => line.includes("Deleted"));
  });
  const others = (line: string): boolean => !mark.test(line);
  return { lines: lines.slice(from[0]).filter(others), news: news.slice(from[1]).filter(others) };
}
const MARK = `ip route add unreachable 198.18.0.1 proto 174; ip route delete unreachable 198.18.0.1 proto 174
nft 'add table inet trestle-mark; delete table inet trestle-mark'`;

/** Without one gateway of each linked cluster. */
function withoutGateways(path: DataPath): DataPath {
  return {
    ...path,
    wireGuard: path.wireGuard.map((device, rank) => (rank === 0 ? device : { ...device, peers: [] })),
    vxlan: path.vxlan.map((device) => ({ ...device, peers: device.peers.slice(0, 1) })),
    nexthops: path.nexthops
      .filter(({ id }) => ![4001, 4101, 4301, 4401].includes(id))
      .map((nexthop) => ("group" in nexthop ? { ...nexthop, group: nexthop.group.slice(0, 1) } : nexthop)),
  };
}

/** With other prefixes of linked clusters, and a narrower path to them. */
function withoutPrefixes(path: DataPath): DataPath {
  const { firewall } = path;
  return {
    ...path,
    routes: path.routes
      .filter(({ prefix, metric }) => prefix !== "10.202.0.0/24" || metric !== undefined)
      .map((route) => (route.mtu === undefined ? route : { ...route, mtu: 1300 })),
    firewall: firewall && { ...firewall, remotePrefixes: firewall.remotePrefixes.slice(0, 4) },
  };
}

test.each([withoutGateways, withoutPrefixes])(
  "nothing that an amendment does is news: %p",
  async (cut) => {
    const less = cut(rich);
    for (const [next, held] of [
      [less, rich],
      [rich, less],
    ] as const) {
      const told = await toldSince(async () => {
        saysHeld = heldLines(next);
        expect(await amendDataPath(deps, next, held)).toMatchObject({ failed: [] });
      });
      expect(told.lines.length).toBeGreaterThan(5);
      expect(told.news).toEqual([]);
    }
  },
  LIMIT_MS,
);

/** Of the damages, those that the monitors tell of by lines that may be expected. */
const HEARD = /^(ip (-[46] )?(route|nexthop) |(ip neigh|bridge fdb) .*trsvx|nft (delete table|flush set))/;

test.each(DAMAGES.filter((damage) => HEARD.test(damage)))(
  "what a sync would have to put right after %j is news",
  async (damage) => {
    const told = await toldSince(() => node.run("sh", ["-c", `${damage} || true`]));
    const repairs = await sync(rich);
    // Where there is nothing to damage, nothing is to be put right.
    expect({ isNews: told.news.length > 0 || repairs.length === 0, told, repairs }).toMatchObject({ isNews: true });
  },
  LIMIT_MS,
);
