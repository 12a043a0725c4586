import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { existsSync } from "node:fs";
import path from "node:path";
import { network, subnet } from "../../mesh/ipam/testing/objects.ts";
import { systemClock } from "../../platform/clock.ts";
import { eventually } from "../../platform/testing/eventually.ts";
import { memoryStore } from "../../platform/testing/memory-store.ts";
import { makeLoneNode } from "../../tunnel/testing/lone-node.ts";
import type { TestNode } from "../../tunnel/testing/namespace.ts";
import { silent, withFolder } from "../testing/folder.ts";
import { levelOf } from "../testing/level.ts";
import { CONFLIST } from "./conflist.ts";
import { CNIRole } from "./role.ts";

let node: TestNode;
beforeEach(async () => {
  node = await makeLoneNode("silent");
});
afterEach(() => node?.remove());

test("a runtime is told of the plugin once the store was heard, not while the node works on what it said last", async () => {
  const level = { ...levelOf(1), networks: [network("overlay")], subnets: [subnet("pods", "10.64.0.0/16")] };
  const life = new AbortController();
  await withFolder(async (folder, where) => {
    const confDir = path.join(where, "net.d");
    const parts = {
      node: "a",
      socket: path.join(where, "cni.sock"),
      confDir,
      folder,
      run: node.run,
      prefix: node.prefix,
      lan: () => ({ device: "eth0", mtu: 1_500, addresses: [], routerAdvertisements: false }),
      isReady: () => true,
      clock: systemClock,
      log: silent,
    };
    const role = await CNIRole.open(parts, life.signal);
    const served = role?.serve(life.signal);
    await role?.follow(level, true);
    await role?.reconcile();
    expect(existsSync(path.join(confDir, CONFLIST))).toBe(false);
    const { store } = memoryStore({ clock: systemClock, log: silent }).connect();
    let isHeard = false;
    const followed = role?.useStore(store, () => (isHeard = true), life.signal);
    await eventually(async () => isHeard);
    await role?.follow(level, false);
    await role?.reconcile();
    expect(existsSync(path.join(confDir, CONFLIST))).toBe(true);
    life.abort();
    await Promise.all([served, followed]);
  });
});
