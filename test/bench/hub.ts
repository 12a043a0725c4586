import type { NatsConnection } from "@nats-io/nats-core";
import { randomBytes } from "node:crypto";
import { clusterLinkKind } from "../../crds/cluster-link.ts";
import type { Progress } from "../../lab/progress.ts";
import { waitUntil } from "../../lab/wait.ts";
import type { ClusterLinkSpec } from "../../mesh/resources.ts";
import { systemClock } from "../../platform/clock.ts";
import { downSubjects } from "../../platform/nats/subjects.ts";
import { openHubWorld } from "./hub-world.ts";
import type { HubWorld } from "./hub-world.ts";
import { openMailboxes } from "./mailboxes.ts";
import type { Mailboxes, Sent } from "./mailboxes.ts";
import { changeKey, clusterName, newKey, seedMesh, SIMULATED } from "./seed-mesh.ts";

const CENTRES = 16;
const LINK = "mesh";
const RESYNCS = 3;

/** One change, and the same bytes sent to the same members without a hub and a store. Milliseconds. */
export interface ChangeRound {
  /** From the write into the hub's store to the last member that has its page and head. */
  readonly changeMs: number;
  readonly plainMs: number;
  /** CPU of the hub's process until then. */
  readonly hubMs: number;
  readonly natsMs: number;
}

/** One cluster of a mesh changes over and over. */
export interface ChangeSeries {
  readonly title: string;
  /** Members that are to see it. */
  readonly seenBy: number;
  readonly sent: Sent;
  readonly rounds: readonly ChangeRound[];
}

/** The whole of every member's view, brought about or found right. Milliseconds. */
export interface Resync {
  /** From the start of the hub's process until it says that it is the active one; absent where it was. */
  readonly activeMs: number | undefined;
  /** From the start of the hub's process, or from the write of the link, to the last member's head. */
  readonly lastMs: number;
  readonly hubMs: number;
  readonly natsMs: number;
}

export interface HubTimes {
  readonly members: number;
  readonly changes: readonly ChangeSeries[];
  /** A full mesh where there was no link: every page is written. */
  readonly first: Resync;
  /** The hub started again: every page is compared, every head written. */
  readonly again: readonly Resync[];
}

interface Scene {
  readonly world: HubWorld;
  readonly mailboxes: Mailboxes;
  /** Of the hub's user, that sends plainly. */
  readonly plain: NatsConnection;
  readonly names: readonly string[];
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** Measures a hub of `members` clusters on a nats-server of its own, all on loopback. */
export async function timeHub(
  members: number,
  rounds: number,
  { progress, signal }: { readonly progress: Progress; readonly signal: AbortSignal },
): Promise<HubTimes> {
  const names = Array.from({ length: members }, (_, at) => clusterName(at));
  const world = await openHubWorld();
  try {
    await progress.step(`${members} clusters`, () => seedMesh(world.store, members));
    const mailboxes = await progress.step("their mailboxes", () => openMailboxes(world.nats, names, signal));
    const scene = { world, mailboxes, plain: await world.nats.connectAs("hub"), names, progress, signal };
    const changes: ChangeSeries[] = [];
    await link(scene, { from: { names: names.slice(0, CENTRES) }, to: { matchLabels: SIMULATED } });
    const centres = names.slice(0, CENTRES);
    const [centre = "", spoke = ""] = [centres[0], names.at(-1)];
    changes.push(await timeChanges(scene, `a spoke of ${CENTRES} centres`, spoke, centres, rounds));
    changes.push(await timeChanges(scene, `one of ${CENTRES} centres`, centre, names, rounds));
    await world.store.delete(clusterLinkKind, LINK);
    await rest(scene);
    const first = await progress.step("full mesh, all written", () =>
      link(scene, { members: { matchLabels: SIMULATED } }),
    );
    changes.push(await timeChanges(scene, "one of a full mesh", centre, names, rounds));
    const again: Resync[] = [];
    for (let round = 1; round <= RESYNCS; round += 1)
      again.push(await progress.step(`hub started again ${round} of ${RESYNCS}`, () => restart(scene)));
    await mailboxes.close();
    return { members, changes, first, again };
  } finally {
    await world.remove();
  }
}

/** Makes the only link, and waits until every member was told of its peers: a view that changed was not refreshed yet. */
async function link(scene: Scene, spec: Omit<ClusterLinkSpec, "tunnel">): Promise<Resync> {
  const { world, mailboxes, names } = scene;
  await rest(scene);
  const told = mailboxes.expect(names, '"refresh":0,');
  const before = world.cpu();
  const start = performance.now();
  await world.store.create(clusterLinkKind, { metadata: { name: LINK }, spec: { ...spec, tunnel: "WireGuard" } });
  const lastMs = (await told()) - start;
  return { activeMs: undefined, lastMs, ...used(scene, before) };
}

async function restart(scene: Scene): Promise<Resync> {
  const { world, mailboxes, names } = scene;
  await rest(scene);
  await world.stopHub();
  const told = mailboxes.expect(names, `"epoch":${mailboxes.epoch + 1},`);
  const before = { hub: 0, nats: world.cpu().nats };
  const start = performance.now();
  await world.startHub();
  const activeMs = performance.now() - start;
  const lastMs = (await told()) - start;
  return { activeMs, lastMs, ...used(scene, before) };
}

async function timeChanges(
  scene: Scene,
  title: string,
  changed: string,
  peers: readonly string[],
  count: number,
): Promise<ChangeSeries> {
  const members = peers.filter((name) => name !== changed);
  const rounds: ChangeRound[] = [];
  await scene.progress.step(`${title}: ${count} changes`, async () => {
    // One more, to warm up, that does not count.
    for (let round = 0; round <= count; round += 1) {
      const change = await timeChange(scene, changed, members);
      const plainMs = await timePlain(scene, members);
      if (round > 0) rounds.push({ ...change, plainMs });
    }
  });
  return { title, seenBy: members.length, sent: scene.mailboxes.sent, rounds };
}

async function timeChange(
  scene: Scene,
  changed: string,
  members: readonly string[],
): Promise<Omit<ChangeRound, "plainMs">> {
  await rest(scene);
  const key = newKey();
  const told = scene.mailboxes.expect(members, key);
  const before = scene.world.cpu();
  const start = performance.now();
  await changeKey(scene.world.store, changed, key);
  const changeMs = (await told()) - start;
  return { changeMs, ...used(scene, before) };
}

/** What a change costs at least: a page and a head to each member, by NATS alone. */
async function timePlain(scene: Scene, members: readonly string[]): Promise<number> {
  await rest(scene);
  const { pageBytes, headBytes } = scene.mailboxes.sent;
  const key = newKey();
  const digest = randomBytes(32).toString("base64url");
  const page = Buffer.alloc(pageBytes, key.padEnd(pageBytes, "."));
  const head = Buffer.alloc(headBytes, digest.padEnd(headBytes, "."));
  const told = scene.mailboxes.expect(members, key);
  const start = performance.now();
  for (const member of members) {
    const to = downSubjects(member).replace(/>$/, "");
    scene.plain.publish(`${to}pg.${digest}`, page);
    scene.plain.publish(`${to}head`, head);
  }
  return (await told()) - start;
}

const REST_MS = 400;
/** Of {@link REST_MS}: signs of life and looking after a thousand members take some. */
const BUSY_MS = 60;

/** Waits until the hub and its server have little to do: statuses are written after each change. */
async function rest({ world, signal }: Scene): Promise<void> {
  const busy = async (): Promise<true | undefined> => {
    const before = world.cpu();
    await systemClock.sleep(REST_MS, signal);
    const after = world.cpu();
    return after.hub + after.nats - before.hub - before.nats <= BUSY_MS ? true : undefined;
  };
  await waitUntil(busy, () => "the hub does not come to rest", { clock: systemClock, signal, limitMs: 120_000 });
}

function used(
  { world }: Scene,
  before: { readonly hub: number; readonly nats: number },
): {
  readonly hubMs: number;
  readonly natsMs: number;
} {
  const { hub, nats } = world.cpu();
  return { hubMs: hub - before.hub, natsMs: nats - before.nats };
}
