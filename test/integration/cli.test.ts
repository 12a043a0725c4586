import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { parse } from "yaml";
import type { Captured } from "../../cli/testing/captured-shell.ts";
import { cidrPoolKind } from "../../crds/cidr-pool.ts";
import { clusterLinkKind } from "../../crds/cluster-link.ts";
import { ledgerKind } from "../../crds/ledger.ts";
import type { StatusAnswer } from "../../crds/wire/hub-api.ts";
import { serveHubAPI } from "../../hub/api.ts";
import type { HubAPI } from "../../hub/api.ts";
import { SINGLETON_NAME } from "../../mesh/names.ts";
import { MeshError } from "../../platform/errors.ts";
import { createLog } from "../../platform/log.ts";
import { eventually } from "../../platform/testing/eventually.ts";
import { startCliHub } from "./cli-hub.ts";
import type { CliHub } from "./cli-hub.ts";

let hub: CliHub;
beforeAll(async () => {
  hub = await startCliHub();
});
afterEach(() => hub.clear());
afterAll(() => hub.remove());

const done = (stdout: string, stderr = ""): Captured => ({ exitCode: 0, stdout, stderr });
const POOL = { cidr: "10.64.0.0/12", clusterPrefixLength: 16, purpose: "Pods" } as const;

describe("pools", () => {
  test("are created, listed, shown and deleted", async () => {
    expect(await hub.type("pool create pods --cidr 10.64.0.0/12 --cluster-prefix-length 16")).toEqual(
      done("cidrpool/pods created\n"),
    );
    expect(await hub.type("pool create mesh --cidr fd00:9::/48 --purpose mesh")).toEqual(
      done("cidrpool/mesh created\n"),
    );
    const { stdout } = await hub.type("pool list");
    expect(stdout.split("\n").map((line) => line.split(/ {2,}/).slice(0, 4))).toEqual([
      ["NAME", "CIDR", "BLOCK", "PURPOSE"],
      ["mesh", "fd00:9::/48", "/56", "Mesh"],
      ["pods", "10.64.0.0/12", "/16", "Pods"],
      [""],
    ]);
    expect((await hub.type("pool show pods")).stdout).toMatch(/^Name: +pods\nCIDR: +10\.64\.0\.0\/12\n/);
    expect(await hub.type("pool delete mesh")).toEqual(done("cidrpool/mesh deleted\n"));
    expect((await hub.store.list(cidrPoolKind)).map(({ metadata }) => metadata.name)).toEqual(["pods"]);
  });

  test("when there are none, it is said on standard error; programs get an empty list", async () => {
    expect(await hub.type("pool list")).toEqual(
      done("", "There are no pools; `trestle pool create NAME --cidr CIDR` makes one.\n"),
    );
    expect(await hub.type("pool list -o json")).toEqual(done("[]\n"));
  });

  test("one whose blocks are in use is not deleted", async () => {
    await hub.store.create(cidrPoolKind, { metadata: { name: "pods" }, spec: POOL });
    const row = { prefix: "10.64.0.0/16", cluster: "east", use: "assigned", pool: "pods" } as const;
    await hub.store.create(ledgerKind, {
      metadata: { name: SINGLETON_NAME },
      spec: { rows: [row], numbers: [{ cluster: "east", number: 1 }] },
    });
    const { exitCode, stderr } = await hub.type("pool delete pods");
    expect(exitCode).toBe(1);
    expect(stderr).toContain('pool "pods" can\'t be deleted: 1 block of it is in use, 10.64.0.0/16 by cluster "east"');
    expect(await hub.store.get(cidrPoolKind, "pods")).toBeDefined();
  });
});

describe("links", () => {
  test("are created by name, by label and from hub to spokes", async () => {
    await hub.joined("core", "east", "west");
    expect(await hub.type("link create sides --members east,west")).toEqual(done("clusterlink/sides created\n"));
    expect(await hub.type("link create spokes --from core --to tier=edge --mtu 1400")).toEqual(
      done(
        "clusterlink/spokes created\n",
        "warning: this selects no two clusters yet; the link takes effect when there are some\n",
      ),
    );
    const specs = (await hub.store.list(clusterLinkKind)).map(({ spec }) => spec);
    expect(specs).toEqual([
      { members: { names: ["east", "west"] }, tunnel: "WireGuard" },
      { from: { names: ["core"] }, to: { matchLabels: { tier: "edge" } }, tunnel: "WireGuard", mtu: 1400 },
    ]);
    expect((await hub.type("link list")).stdout).toMatch(/\nspokes +core -> tier=edge +WireGuard /);
    expect(await hub.type("link delete sides")).toEqual(done("clusterlink/sides deleted\n"));
  });

  test("VXLAN comes with a warning on standard error", async () => {
    await hub.joined("east", "west");
    const { exitCode, stdout, stderr } = await hub.type("link create clear --members east,west --tunnel vxlan");
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: "clusterlink/clear created\n" });
    expect(stderr).toContain(
      "warning: VXLAN does not encrypt: this traffic crosses the path between the sites in clear",
    );
  });
});

describe("a link that is changed", () => {
  test("keeps what is not named, and warns when it is in clear from now on", async () => {
    await hub.joined("east", "west");
    await hub.type("link create sides --members east,west --mtu 1400");
    const { exitCode, stdout, stderr } = await hub.type("link change sides --tunnel vxlan");
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: "clusterlink/sides changed\n" });
    expect(stderr).toContain("warning: VXLAN does not encrypt");
    const spec = async () => (await hub.store.get(clusterLinkKind, "sides"))?.spec;
    expect(await spec()).toEqual({ members: { names: ["east", "west"] }, tunnel: "VXLAN", mtu: 1400 });
    expect(await hub.type("link change sides --mtu none")).toEqual(done("clusterlink/sides changed\n"));
    expect(await spec()).toEqual({ members: { names: ["east", "west"] }, tunnel: "VXLAN" });
  });

  test.each([
    ["link change sides", 2, "say what to change: --tunnel, --mtu or both"],
    ["link change sides --mtu 12", 2, "It is a number of bytes, 1280 to 65535."],
    ["link change none --tunnel vxlan", 1, 'there is no ClusterLink "none"; there is sides'],
  ])("%s is refused, and nothing changed", async (words, exitCode, sentence) => {
    await hub.joined("east", "west");
    await hub.type("link create sides --members east,west");
    const before = await hub.store.get(clusterLinkKind, "sides");
    const answer = await hub.type(words);
    expect(answer.exitCode).toBe(exitCode);
    expect(answer.stderr).toContain(sentence);
    expect(await hub.store.get(clusterLinkKind, "sides")).toEqual(before);
  });
});

describe("get", () => {
  test("takes a kind as people write it, and gives one or all", async () => {
    await hub.store.create(cidrPoolKind, { metadata: { name: "pods" }, spec: POOL });
    for (const word of ["pools", "pool", "CIDRPool", "cidrpools"]) {
      expect((await hub.type(`get ${word}`)).stdout).toMatch(/^NAME .*\npods /);
    }
    expect(JSON.parse((await hub.type("get pool pods -o json")).stdout)).toMatchObject({
      kind: "CIDRPool",
      spec: POOL,
    });
    expect(parse((await hub.type("--output yaml get pools")).stdout)).toMatchObject([{ kind: "CIDRPool", spec: POOL }]);
  });

  test("--watch shows every change until it is interrupted", async () => {
    const end = new AbortController();
    let stdout = "";
    const watching = hub.type("get pools --watch -o json", {
      env: { TRESTLE_CONTEXT: `${hub.folder}/context.yaml` },
      signal: end.signal,
      onOut: (text) => (stdout = text),
    });
    await eventually(() => stdout === "[]\n" || stdout);
    await hub.store.create(cidrPoolKind, { metadata: { name: "pods" }, spec: POOL });
    await eventually(() => stdout.includes('"name": "pods"') || stdout);
    end.abort();
    expect(await watching).toMatchObject({ exitCode: 130, stderr: "" });
  });
});

describe("what the hub is asked", () => {
  const log = createLog({ level: "silent", pretty: false });
  const status: StatusAnswer = { hub: { connected: true, since: "2026-11-21T08:00:00.000Z" }, clusters: [], pairs: [] };
  const refuse = (): never => {
    throw new MeshError("in-use", 'cluster "east" is linked by "all"; delete the link first', { retry: false });
  };

  /** Answers as a hub would, while `work` runs. */
  async function answering(api: Partial<HubAPI>, work: () => Promise<void>): Promise<void> {
    const life = new AbortController();
    const nobody = (): never => {
      throw new Error("not asked in this test");
    };
    const full = {
      createToken: nobody,
      revokeToken: nobody,
      deleteCluster: nobody,
      status: nobody,
      trace: nobody,
      ...api,
    };
    const serving = serveHubAPI(hub.connection, full, log, life.signal);
    await hub.connection.flush();
    await work();
    life.abort();
    await serving;
  }

  test("a token is one line on standard output and nothing else", async () => {
    const asked: unknown[] = [];
    const createToken: HubAPI["createToken"] = (request) => {
      asked.push(request);
      return Promise.resolve({ name: "east-1", token: "trestle1.secret", expiresAt: "2026-11-21T09:00:00.000Z" });
    };
    await answering({ createToken }, async () => {
      const { exitCode, stdout } = await hub.type("token create east --ttl 1h --pod-cidr 10.1.0.0/16,fd00:0::/48");
      expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: "trestle1.secret\n" });
      expect(asked).toEqual([{ cluster: "east", podCIDRs: ["10.1.0.0/16", "fd00::/48"], ttlSeconds: 3_600 }]);
    });
  });

  test("status as JSON is the hub's own answer", async () => {
    await answering({ status: () => Promise.resolve(status) }, async () => {
      expect(JSON.parse((await hub.type("status -o json")).stdout)).toEqual(status);
    });
  });

  test("a trace that does not arrive exits 1, after it was shown", async () => {
    const hops = [{ check: "link", ok: false, detail: "none", remedy: "make one" }];
    await answering({ trace: () => Promise.resolve({ reachable: false, hops }) }, async () => {
      const { exitCode, stdout, stderr } = await hub.type("trace 10.64.0.1 east");
      expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: "" });
      expect(stdout).toContain("→ make one");
    });
  });

  test("the hub's refusal is shown as it was said", async () => {
    await answering({ deleteCluster: refuse }, async () => {
      expect(await hub.type("cluster delete east -o wide")).toEqual({
        exitCode: 1,
        stdout: "",
        stderr: 'error (in-use): cluster "east" is linked by "all"; delete the link first\n',
      });
    });
  });

  test("a cluster is deleted with --force", async () => {
    const asked: unknown[] = [];
    const deleteCluster: HubAPI["deleteCluster"] = (request) => {
      asked.push(request);
      return Promise.resolve({});
    };
    await answering({ deleteCluster }, async () => {
      expect(await hub.type("cluster delete east --force")).toEqual(done("cluster/east deleted\n"));
      expect(await hub.type("delete cluster west")).toEqual(done("cluster/west deleted\n"));
    });
    expect(asked).toEqual([
      { cluster: "east", force: true },
      { cluster: "west", force: false },
    ]);
  });

  test("without an active hub that is said, and that NATS answers", async () => {
    const { exitCode, stderr } = await hub.type("status");
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^error: NATS at .* answers but no hub is active/);
  });
});
