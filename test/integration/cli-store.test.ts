import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { trestle } from "../../cli/testing/captured-shell.ts";
import type { Captured } from "../../cli/testing/captured-shell.ts";
import { credentialKind } from "../../crds/credential.ts";
import { nodeKind } from "../../crds/node.ts";
import { SINGLETON_NAME } from "../../mesh/names.ts";
import { systemClock } from "../../platform/clock.ts";
import { createLog } from "../../platform/log.ts";
import { connectStore, readStoreAccess } from "../../platform/store/access.ts";
import { serveStore } from "../../platform/store/serve.ts";
import { freePort } from "../../platform/testing/free-port.ts";
import { findTool } from "../../platform/tools.ts";

/** The command line against a cluster's own store, as `trestle store` serves it. */

const life = new AbortController();
let folder: string;
let serving: Promise<void>;
const file = (): string => path.join(folder, "store.yaml");
const type = (line: string): Promise<Captured> =>
  trestle([...line.split(" "), "--store", file()], { env: { HOME: folder } });

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "trestle-cli-store-"));
  const ready = Promise.withResolvers<void>();
  const common = { clock: systemClock, log: createLog({ level: "silent", pretty: false }) };
  const natsServer = findTool("nats-server", process.env["PATH"] ?? "");
  const listen = `127.0.0.1:${await freePort()}`;
  serving = serveStore({ stateFolder: folder, listen, natsServer, onReady: ready.resolve, ...common }, life.signal);
  await Promise.race([ready.promise, serving]);

  const access = await readStoreAccess(file());
  const { connection, store } = await connectStore({ access, signal: life.signal, ...common });
  await store.create(nodeKind, { metadata: { name: "a" }, spec: { addresses: ["192.168.1.10/24"] } });
  await store.create(credentialKind, {
    metadata: { name: SINGLETON_NAME },
    spec: {
      mesh: "m",
      cluster: "east",
      natsURLs: ["tls://192.0.2.1:4222"],
      ca: "PEM",
      hubKey: KEY,
      userSeed: "SUSECRET",
      signingSeed: KEY,
      tokenID: "t",
    },
  });
  await connection.close();
});

afterAll(async () => {
  life.abort();
  await serving;
  await rm(folder, { recursive: true, force: true });
});

const KEY = Buffer.alloc(32).toString("base64url");

test("get lists what the cluster's own store holds", async () => {
  const { exitCode, stdout } = await type("get nodes");
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^NAME +ADDRESSES .*\na +192\.168\.1\.10\/24 +- /);
});

test.each([
  [
    "get credentials",
    'there is no kind "credentials"; a cluster\'s store has memberships, gateways, remoteclusters, nodes, ipblocks',
  ],
  ["get pools", '"pools" is kept on the hub, not in a cluster\'s own store; leave --store away'],
  ["cluster list", "this command speaks to the hub, and --store names a cluster's own store"],
  ["delete membership mesh", "a Membership is not deleted by hand: use `trestle leave`"],
  ["delete remotecluster west", "a RemoteCluster is not deleted by hand: delete the link on the hub"],
  ["get node b", 'there is no Node "b"; there is a'],
])("`trestle %s --store FILE` is refused: %s", async (line, message) => {
  const { exitCode, stdout, stderr } = await type(line);
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
  expect(stderr).toContain(message);
});

test("an access file that is none is named", async () => {
  const { exitCode, stderr } = await trestle(["get", "nodes", "--store", "/nonexistent/store.yaml"], {});
  expect(exitCode).toBe(1);
  expect(stderr).toContain("/nonexistent/store.yaml is no access file of a store");
});
