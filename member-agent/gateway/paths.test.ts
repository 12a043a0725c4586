import { afterEach, expect, test } from "@jest/globals";
import type { TunnelKind } from "../../mesh/resources.ts";
import type { View } from "../../mesh/view-records.ts";
import { systemClock } from "../../platform/clock.ts";
import { eventually } from "../../platform/testing/eventually.ts";
import type { Remote, Situation } from "../situation.ts";
import { silent, withFolder } from "../testing/folder.ts";
import { remoteCluster, situationOf } from "../testing/situations.ts";
import { GatewayPaths } from "./paths.ts";
import type { Lookup } from "./resolve.ts";

/** All of 127.0.0.0/8 is this machine's: mesh prefixes from there have health addresses without any namespace. */
const NET = `127.${Math.floor(Math.random() * 100)}`;
const MESH = { c1: `${NET}.4.0/24`, c2: `${NET}.8.0/24` };
const NOTHING = async () => ({ routes: [], nexthops: [] });

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

/** Cluster c1 or c2 with one gateway, linked with the other one; its kernel holds at once what is decided. */
class Side {
  readonly paths: GatewayPaths;
  moves = 0;
  readonly #situation: Situation;

  constructor(name: "c1" | "c2", folder: Parameters<Parameters<typeof withFolder>[0]>[0], lookup: Lookup) {
    const situation = situationOf({ nodes: 1, gateways: 1, node: 0, remotes: [] });
    this.#situation = { ...situation, self: { ...situation.self, name, meshPrefixes: [MESH[name]] } };
    this.paths = new GatewayPaths({
      run: () => Promise.resolve("[]"),
      folder,
      lookup,
      dialable: () => true,
      faults: () => [],
      clock: systemClock,
      log: silent,
      onMove: () => void (this.moves += 1),
      onNews: () => undefined,
    });
  }

  start(view?: View): void {
    const life = new AbortController();
    const running = this.paths.run(() => view, life.signal);
    ends.push(async () => {
      life.abort();
      await running;
    });
  }

  /** One pass of the data path with a view that asks for this kind. */
  async hold(tunnel: TunnelKind): Promise<Pick<Remote, "accepts" | "sends"> | undefined> {
    const other = this.#situation.self.name === "c1" ? "c2" : "c1";
    const remote = { ...remoteCluster(2, [0], { tunnel }), name: other, meshPrefixes: [MESH[other]] };
    const remotes = await this.paths.byKinds([remote], NOTHING);
    this.paths.follow({ ...this.#situation, remotes }, []);
    return remotes[0];
  }
}

const nowhere: Lookup = () => Promise.reject(new Error("ENOTFOUND"));

test("two gateways that are told another kind prove it to each other, and then send by it", () =>
  withFolder((folder) =>
    withFolder(async (other) => {
      const [east, west] = [new Side("c1", folder, nowhere), new Side("c2", other, nowhere)];
      for (const side of [east, west]) {
        side.start();
        expect(await side.hold("WireGuard")).toMatchObject({ accepts: ["WireGuard"], sends: "WireGuard" });
      }
      expect(await east.hold("VXLAN")).toMatchObject({ accepts: ["WireGuard", "VXLAN"], sends: "WireGuard" });
      await eventually(() => east.paths.pairs.length > 0);
      expect(await east.hold("VXLAN")).toMatchObject({ sends: "WireGuard" });
      expect(east.moves).toBe(0);

      expect(await west.hold("VXLAN")).toMatchObject({ sends: "WireGuard" });
      await eventually(() => (east.moves > 0 && west.moves > 0) || [east.moves, west.moves]);
      for (const side of [east, west]) {
        expect(await side.hold("VXLAN")).toMatchObject({ accepts: ["WireGuard", "VXLAN"], sends: "VXLAN" });
      }
      await eventually(() => east.paths.pairs[0]?.tunnel === "VXLAN" || east.paths.pairs);
    }),
  ));

test("the names of the view's gateways are looked up, and the data path is told", () =>
  withFolder(async (folder) => {
    const asked: string[] = [];
    const side = new Side("c1", folder, (name) => {
      asked.push(name);
      return Promise.resolve(["192.0.2.9"]);
    });
    const gateway = { name: "a", rank: 0, behindNAT: false, basePort: 51_820, publicKey: "key" };
    const { self } = situationOf({ nodes: 1, gateways: 1, node: 0, remotes: [] });
    const gateways = [{ ...gateway, endpoints: ["192.0.2.1", "gw.example.org", "2001:db8::1"] }];
    side.start({ self, entries: [{ peer: { ...self, name: "c2", gateways }, tunnel: "WireGuard" }] });
    await eventually(() => side.moves > 0);
    expect(asked).toEqual(["gw.example.org"]);
    expect(side.paths.resolved).toEqual(new Map([["gw.example.org", ["192.0.2.9"]]]));
  }));
