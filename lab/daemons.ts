import { existsSync, mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { MeshError, messageOf } from "../platform/errors.ts";
import { hostPort } from "../platform/store/server-config.ts";
import { addressIn } from "./addressing.ts";
import type { Layout, NodePlace, Site } from "./layout.ts";
import { firstGateway, inNetns, onNode } from "./place.ts";
import type { Place } from "./place.ts";
import { isAlive, startDetached } from "./process.ts";
import type { ProcessRef } from "./process.ts";
import { RUN, stateOf, updateState } from "./state.ts";
import type { Lab, LabState } from "./state.ts";
import {
  agentFolder,
  cniFolder,
  contextFile,
  hubFolder,
  hubStatus,
  storeFile,
  storeFolder,
  TRESTLE,
} from "./trestle.ts";
import { logTail, waitUntil } from "./wait.ts";

const HUB_PORT = 4222;
const STORE_PORT = 4223;
/** Of each agent, on its own loopback: /healthz and /readyz. */
const HEALTH_PORT = 4224;

/** A long-running `trestle` of the lab: where it runs, how it is called, and what tells that it serves. */
export interface Daemon {
  /** In the lab's state, see LabState.processes. */
  readonly key: string;
  readonly words: readonly string[];
  readonly place: (state: LabState) => Place;
  /** It serves once something in its network listens on this port, and its file, where it makes one, is there. */
  readonly serves: { readonly file?: string; readonly port: number };
  /** Asks it something, once it serves; it is ready when this does not fail. */
  readonly ask?: (signal: AbortSignal) => Promise<unknown>;
}

export function hubDaemon(lab: Lab, layout: Layout): Daemon {
  const { hub } = layout;
  const words = [
    "hub",
    "--state",
    hubFolder(lab),
    "--listen",
    `[::]:${HUB_PORT}`,
    ...hubURLs(layout).flatMap((url) => ["--advertise", url]),
  ];
  return {
    key: "hub",
    words,
    place: () => inNetns(hub.netns),
    serves: { file: contextFile(lab), port: HUB_PORT },
    // After a hub that was killed the next one waits for its lease to run out, its NATS server does not.
    ask: (signal) => hubStatus(lab, layout, signal),
  };
}

/** What members dial: an address of each family. */
export function hubURLs({ hub }: Layout): string[] {
  return hub.attachments.map(({ address }) => `tls://${hostPort({ host: address, port: HUB_PORT })}`);
}

/** A cluster's own store, on its first gateway. */
export function storeDaemon(lab: Lab, site: Site): Daemon {
  const node = firstGateway(site);
  const listen = hostPort({ host: addressIn(node.attachments, site.storeFamily) ?? "", port: STORE_PORT });
  const words = ["store", "--state", storeFolder(lab, site.cluster), "--listen", listen];
  return {
    key: `store:${site.cluster}`,
    words,
    place: (state) => onNode(state, node),
    serves: { file: storeFile(lab, site.cluster), port: STORE_PORT },
  };
}

export function agentDaemon(lab: Lab, node: NodePlace): Daemon {
  const roles = node.gateway ? "gateway,node" : "node";
  const names = ["--cluster", node.cluster, "--node", node.name, "--roles", roles];
  const words = [
    "agent",
    ...names,
    "--store",
    storeFile(lab, node.cluster),
    "--state",
    agentFolder(lab, node),
    "--lan-device",
    "eth0",
    "--cni-socket",
    `${RUN}/cni.sock`,
    "--cni-conf-dir",
    cniFolder(lab, node),
    "--health-listen",
    `127.0.0.1:${HEALTH_PORT}`,
    ...(node.gateway && node.behindNAT ? ["--behind-nat"] : []),
    ...node.endpoints.flatMap((endpoint) => ["--endpoint", endpoint]),
    ...node.openPorts.flatMap((port) => ["--open-port", port]),
    ...Object.entries(node.labels).flatMap(([key, value]) => ["--label", `${key}=${value}`]),
  ];
  return {
    key: `agent:${node.cluster}/${node.name}`,
    words,
    place: (state) => onNode(state, node),
    serves: { port: HEALTH_PORT },
  };
}

/** Starts a daemon unless it runs. What is recorded is enough to end it, from the first moment. */
export async function startDaemon(lab: Lab, daemon: Daemon): Promise<void> {
  const state = stateOf(lab);
  const present = state.processes[daemon.key];
  if (present !== undefined && isAlive(present)) return;
  mkdirSync(path.join(lab.dir, "logs"), { recursive: true, mode: 0o700 });
  const [program = "nsenter", ...prefix] = daemon.place(state).prefix;
  const started = await startDetached(program, [...prefix, TRESTLE, ...daemon.words], logFile(lab, daemon.key));
  await recordProcess(lab, daemon.key, started);
}

/** Waits until a started daemon serves. @throws MeshError `daemon-ended`, `timeout`, both with the end of its log */
export async function awaitDaemon(lab: Lab, { key, serves, ask }: Daemon, signal: AbortSignal): Promise<void> {
  const log = logFile(lab, key);
  let answer = "it does not listen";
  const ready = async (): Promise<true | undefined> => {
    const started = stateOf(lab).processes[key];
    if (started === undefined || !isAlive(started)) {
      throw new MeshError("daemon-ended", `${key} ended before it served; its log:\n${logTail(log)}`, { retry: false });
    }
    const hasFile = serves.file === undefined || existsSync(serves.file);
    if (!hasFile || !isListening(started.pid, serves.port)) return undefined;
    try {
      await ask?.(signal);
      return true;
    } catch (error) {
      answer = messageOf(error);
      return undefined;
    }
  };
  const missing = (): string => `${key} does not serve: ${answer}; its log:\n${logTail(log)}`;
  await waitUntil(ready, missing, { clock: lab.clock, signal, limitMs: 180_000 });
}

/** Writes down a process of the lab, so that whoever takes the lab down finds it. */
export async function recordProcess(lab: Lab, key: string, process: ProcessRef): Promise<void> {
  await updateState(lab, (state) => ({ ...state, processes: { ...state.processes, [key]: process } }));
}

/** Where the output of the lab's process `key` goes. */
export function logFile(lab: Lab, key: string): string {
  return path.join(lab.dir, "logs", `${key.replaceAll(/[:/]/g, "-")}.log`);
}

/** True when something listens on a TCP port in the network namespace of `pid`, proc_pid_net(5). */
export function isListening(pid: number, port: number): boolean {
  const LISTEN = "0A";
  const ends = new RegExp(
    `^\\s*\\d+: [0-9A-F]+:${port.toString(16).toUpperCase().padStart(4, "0")} \\S+ ${LISTEN} `,
    "m",
  );
  return ["tcp", "tcp6"].some((table) => {
    try {
      return ends.test(readFileSync(`/proc/${pid}/net/${table}`, "utf8"));
    } catch {
      return false;
    }
  });
}
