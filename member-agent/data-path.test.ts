import { expect, test } from "@jest/globals";
import type { Revision } from "../mesh/resources.ts";
import type { StateFolder } from "../platform/state-folder.ts";
import type { PartName } from "../tunnel/report.ts";
import { NodeDataPath } from "./data-path.ts";
import type { GatewaySide } from "./data-path.ts";
import { readLastLevel } from "./last-good.ts";
import type { Situation } from "./situation.ts";
import { withFolder } from "./testing/folder.ts";
import { FakeKernel } from "./testing/kernel.ts";
import { levelOf, NODE_A, viewOf } from "./testing/level.ts";
import { keptLog } from "./testing/log.ts";

interface Stage {
  readonly dataPath: NodeDataPath;
  readonly kernel: FakeKernel;
  readonly folder: StateFolder;
  readonly events: () => string[];
  /** What readiness was said to be last. */
  ready: boolean | undefined;
}

/** Runs a test with the data path of node "a" of cluster east. */
async function withDataPath(use: (stage: Stage) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    const kernel = new FakeKernel();
    const { log, lines } = keptLog();
    const lan = { device: "eth0", addresses: [NODE_A], mtu: 1500, routerAdvertisements: false };
    const dataPath = new NodeDataPath(
      {
        settings: { cluster: "east", node: "a", openPort: [] },
        kernel,
        // A LAN that can't be asked is what it was.
        run: () => Promise.reject(new Error("there is no ip")),
        folder,
        log,
        onReady: (ready) => void (stage.ready = ready),
      },
      lan,
    );
    const stage: Stage = { dataPath, kernel, folder, events: () => lines.map(({ event }) => event), ready: undefined };
    await use(stage);
  });
}

/** A gateway's role as far as it is told things, with this view of the hub. */
function gatewayWith(generation: number): GatewaySide & { told: Revision[]; followed: Situation[] } {
  const told: Revision[] = [];
  const followed: Situation[] = [];
  return {
    mail: { view: viewOf(generation), revision: { epoch: 1, generation }, faults: [] },
    own: { rank: 1, basePort: 51_820, privateKey: "own", behindNAT: false },
    paths: {
      resolved: new Map(),
      byKinds: (remotes) => Promise.resolve(remotes),
      follow: (situation) => void followed.push(situation),
    },
    applied: (revision) => void (revision && told.push(revision)),
    told,
    followed,
  };
}

const incomplete = { code: "sync-incomplete", retry: true };

test.each<PartName>(["foreign", "sysctls"])(
  "a step of %s that fails for good keeps nothing from being ready, told, probed and kept, and is tried again",
  (part) =>
    withDataPath(async (stage) => {
      const { dataPath, kernel, folder } = stage;
      kernel.failing = [part];
      const gateway = gatewayWith(1);
      for (let times = 1; times <= 2; times++) {
        await expect(dataPath.hold(levelOf(1), gateway)).rejects.toMatchObject(incomplete);
        expect(kernel.syncs.map(({ isLook }) => isLook)).toEqual(Array.from({ length: times }, () => true));
      }
      expect(stage.ready).toBe(true);
      expect(dataPath.held).toMatchObject({ appliedRevision: { epoch: 1, generation: 1 } });
      expect(dataPath.held.meshAddresses).toContain("100.64.0.33/32");
      expect(gateway.told.at(-1)).toEqual({ epoch: 1, generation: 1 });
      expect(gateway.followed.at(-1)?.remotes.map(({ name }) => name)).toEqual(["west"]);
      expect(await readLastLevel(folder)).toMatchObject({ nodes: [{}, {}] });
    }),
);

test.each<PartName>(["firewall", "links", "wireguard", "addresses", "nexthops", "routes"])(
  "while a step of %s fails the node is not ready and says so, and probes go on all the same",
  (part) =>
    withDataPath(async (stage) => {
      const { dataPath, kernel, folder } = stage;
      await dataPath.hold(levelOf(1), gatewayWith(1));
      expect(stage.ready).toBe(true);
      kernel.failing = [part];
      const gateway = gatewayWith(2);
      await expect(dataPath.hold(levelOf(2), gateway)).rejects.toMatchObject(incomplete);
      expect(stage.ready).toBe(false);
      expect(dataPath.held.appliedRevision).toEqual({ epoch: 1, generation: 1 });
      expect(gateway.told).toEqual([]);
      expect(gateway.followed).toHaveLength(1);
      expect((await readLastLevel(folder))?.remotes[0]?.spec.revision.generation).toBe(2);
      kernel.failing = [];
      await dataPath.hold(levelOf(2), gateway);
      expect([stage.ready, gateway.told]).toEqual([true, [{ epoch: 1, generation: 2 }]]);
    }),
);

test("what is held is not held against the kernel again until there is a doubt", () =>
  withDataPath(async ({ dataPath, kernel }) => {
    const looks = (): boolean[] => kernel.syncs.map(({ isLook }) => isLook);
    await dataPath.hold(levelOf(1), undefined);
    await dataPath.hold(levelOf(1), undefined);
    expect(looks()).toEqual([true]);
    await dataPath.hold(levelOf(2), undefined);
    expect(looks()).toEqual([true, false]);
    dataPath.doubt();
    await dataPath.hold(levelOf(2), undefined);
    expect(looks()).toEqual([true, false, true]);
  }));

test.each([true, false])("a doubt in the middle of a sync (a look: %p) makes the next one look", (looks) =>
  withDataPath(async ({ dataPath, kernel }) => {
    if (!looks) await dataPath.hold(levelOf(1), undefined);
    kernel.meanwhile = () => dataPath.doubt();
    await dataPath.hold(levelOf(2), undefined);
    kernel.meanwhile = () => undefined;
    await dataPath.hold(levelOf(2), undefined);
    expect(kernel.syncs.slice(-2).map(({ isLook }) => isLook)).toEqual([looks, true]);
  }),
);

const GONE = "Deleted 10.65.0.0/16 proto 174 src 100.64.0.33 \\\tnexthop via 192.0.2.2 dev eth0 weight 1 ";
const BACKSTOP = "unreachable 10.65.0.0/16 proto 174 metric 9999 ";

test("the echo of a sync is expected from its beginning, and what vanishes never is", () =>
  withDataPath(async ({ dataPath, kernel }) => {
    expect([GONE, BACKSTOP].map((line) => dataPath.expects(line))).toEqual([false, false]);
    const heard: boolean[] = [];
    kernel.meanwhile = () => void heard.push(dataPath.expects(BACKSTOP));
    await dataPath.hold(levelOf(1), undefined);
    expect([...heard, dataPath.expects(BACKSTOP), dataPath.expects(GONE)]).toEqual([true, true, false]);
    await dataPath.release();
    expect([dataPath.expects(BACKSTOP), dataPath.expects(GONE)]).toEqual([false, true]);
  }));

test("from half a level nothing is planned, and what is missing is said once", () =>
  withDataPath(async (stage) => {
    const { dataPath, kernel } = stage;
    const gateway = { ...gatewayWith(1), mail: undefined };
    await dataPath.hold(levelOf(1), gateway);
    await dataPath.hold(levelOf(1), gateway);
    expect([kernel.syncs.length, stage.ready, stage.events()]).toEqual([0, undefined, ["not-ready"]]);
    await dataPath.hold(levelOf(1), gatewayWith(1));
    await dataPath.hold(levelOf(1), gateway);
    expect([kernel.syncs.length, stage.ready, stage.events()]).toEqual([1, true, ["not-ready", "not-ready"]]);
  }));

test("what was given back is not held, not ready and not kept, though a step fails", () =>
  withDataPath(async (stage) => {
    const { dataPath, kernel, folder } = stage;
    await dataPath.hold(levelOf(1), undefined);
    kernel.failing = ["links"];
    await expect(dataPath.release()).rejects.toMatchObject(incomplete);
    expect([stage.ready, dataPath.held]).toEqual([false, { meshAddresses: [] }]);
    kernel.failing = [];
    await dataPath.release();
    expect(await readLastLevel(folder)).toBeUndefined();
  }));
