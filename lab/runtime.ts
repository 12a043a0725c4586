import path from "node:path";
import { z } from "zod";
import type { Clock } from "../platform/clock.ts";
import { hasCode, MeshError } from "../platform/errors.ts";
import type { ProgramFailure, Run, RunOptions } from "../platform/run.ts";
import { pluginInput, readConflist } from "./conflist.ts";
import type { Conflist, ConflistPlugin } from "./conflist.ts";

/**
 * The part of a container runtime that speaks CNI, as libcni and the kubelet do: it starts the plugins that a node's
 * agent asks for, and asks again where they say that this helps.
 */

/** A node's container runtime. */
export interface Runtime {
  /** Of the node, for people: `east/a`. */
  readonly node: string;
  /** Runs programs on the node. */
  readonly run: Run;
  /** Where the agent installs its conflist; on a real machine /etc/cni/net.d. */
  readonly confDir: string;
  /** Where the plugins are; on a real machine /opt/cni/bin. */
  readonly binDir: string;
  readonly clock: Clock;
}

/** What a pod's network hangs on. */
export interface Sandbox {
  /** The runtime's name of it, a new one each time that a pod's sandbox is made. */
  readonly id: string;
  /** Path of its network namespace. */
  readonly netns: string;
  readonly pod: { readonly namespace: string; readonly name: string; readonly uid: string };
}

const INTERFACE = "eth0";
/** "Try again later", of the specification's error codes. */
const TRY_AGAIN = "cni-11";
/** How long it is tried again. */
const TRYING_MS = 60_000;
const PAUSE_MS = { least: 100, most: 2_000 } as const;
/** More than the plugin waits for its agent (20 s) and for the agent's answer (60 s). */
const CALL_LIMIT_MS = 90_000;
/** Nobody waits long for what a failed ADD left. */
const UNDO_LIMIT_MS = 5_000;

const added = z.looseObject({ ips: z.array(z.object({ address: z.string() })).default([]) });
const refused = z.object({ code: z.int(), msg: z.string(), details: z.string().optional() });

/**
 * Gives a sandbox its network.
 * @returns its addresses, without prefix length
 * @throws MeshError `no-conflist`, `bad-conflist`, `cni-CODE` with the CNI error code of the plugin, `bad-cni-result`, those
 * of {@link Run}
 */
export async function addPodNetwork(runtime: Runtime, sandbox: Sandbox, signal: AbortSignal): Promise<string[]> {
  const list = requireConflist(runtime);
  return tryAgain(runtime.clock, signal, async () => {
    try {
      return await addOnce(runtime, list, sandbox, signal);
    } catch (error) {
      // Of a failed ADD a runtime must DEL what it left; what went wrong first is what the caller must hear of.
      await deleteOnce(runtime, list, sandbox, { limitMs: UNDO_LIMIT_MS }).catch(() => undefined);
      throw error;
    }
  });
}

/** Takes a sandbox's network away, of one that is gone already, too. @throws MeshError as {@link addPodNetwork} does */
export async function deletePodNetwork(runtime: Runtime, sandbox: Sandbox, signal: AbortSignal): Promise<void> {
  const list = requireConflist(runtime);
  await tryAgain(runtime.clock, signal, () => deleteOnce(runtime, list, sandbox, { signal }));
}

/** Asks whether pods can be given a network now (STATUS, since CNI 1.1). @throws MeshError as {@link addPodNetwork} does */
export async function requireNetwork(runtime: Runtime, signal: AbortSignal): Promise<void> {
  const list = requireConflist(runtime);
  if (list.cniVersion === "1.0.0") return;
  for (const own of list.plugins) await callPlugin(runtime, list, own, ["CNI_COMMAND=STATUS"], { signal });
}

async function addOnce(runtime: Runtime, list: Conflist, sandbox: Sandbox, signal: AbortSignal): Promise<string[]> {
  let result: z.infer<typeof added> = { ips: [] };
  for (const [at, own] of list.plugins.entries()) {
    const prevResult = at === 0 ? undefined : result;
    const said = await callPlugin(runtime, list, own, variablesOf("ADD", sandbox), { signal, prevResult });
    const { data } = added.safeParse(parseJSON(said));
    if (data === undefined) {
      const message = `${own.type} on ${runtime.node} answered ADD with what is no CNI result: ${said.slice(0, 200)}`;
      throw new MeshError("bad-cni-result", message, { retry: false });
    }
    result = data;
  }
  return result.ips.map(({ address }) => address.split("/")[0] ?? address);
}

async function deleteOnce(runtime: Runtime, list: Conflist, sandbox: Sandbox, options: CallOptions): Promise<void> {
  for (const own of list.plugins.toReversed()) {
    await callPlugin(runtime, list, own, variablesOf("DEL", sandbox), options);
  }
}

function variablesOf(command: "ADD" | "DEL", { id, netns, pod }: Sandbox): string[] {
  // As containerd sends them.
  const args = {
    IgnoreUnknown: "1",
    K8S_POD_NAMESPACE: pod.namespace,
    K8S_POD_NAME: pod.name,
    K8S_POD_INFRA_CONTAINER_ID: id,
    K8S_POD_UID: pod.uid,
  };
  const text = Object.entries(args).map(([key, value]) => `${key}=${value}`);
  return [
    `CNI_COMMAND=${command}`,
    `CNI_CONTAINERID=${id}`,
    `CNI_NETNS=${netns}`,
    `CNI_IFNAME=${INTERFACE}`,
    `CNI_ARGS=${text.join(";")}`,
  ];
}

type CallOptions = Pick<RunOptions, "signal" | "limitMs"> & { readonly prevResult?: object | undefined };

/** Runs a plugin to its end, with an environment of nothing but CNI's. @returns what it printed */
async function callPlugin(
  { node, run, binDir }: Runtime,
  list: Conflist,
  own: ConflistPlugin,
  variables: readonly string[],
  { prevResult, ...limits }: CallOptions,
): Promise<string> {
  const words = ["-i", ...variables, `CNI_PATH=${binDir}`, path.join(binDir, own.type)];
  const stdin = JSON.stringify(pluginInput(list, own, prevResult));
  try {
    return await run("env", words, { limitMs: CALL_LIMIT_MS, ...limits, stdin });
  } catch (error) {
    throw (hasCode(error, "program-failed") && errorOf(node, own.type, error)) || error;
  }
}

/** What a plugin that failed says of it: "Error" of the specification. Undefined when it says nothing of the kind. */
function errorOf(node: string, type: string, error: MeshError): MeshError | undefined {
  const { data } = refused.safeParse(parseJSON((error.cause as ProgramFailure).stdout));
  if (data === undefined) return undefined;
  const { code, msg, details } = data;
  const more = [`CNI error ${code}`, ...(details === undefined ? [] : [details])].join(", ");
  return new MeshError(`cni-${code}`, `${type} on ${node}: ${msg} (${more})`, { retry: code === 11, cause: error });
}

function parseJSON(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Runs `call` again, with growing pauses, as long as the plugin says that this may help. */
async function tryAgain<T>(clock: Clock, signal: AbortSignal, call: () => Promise<T>): Promise<T> {
  const deadline = clock.monotonic() + TRYING_MS;
  for (let pause: number = PAUSE_MS.least; ; pause = Math.min(2 * pause, PAUSE_MS.most)) {
    try {
      return await call();
    } catch (error) {
      if (!hasCode(error, TRY_AGAIN) || signal.aborted || clock.monotonic() > deadline) throw error;
    }
    await clock.sleep(pause, signal);
  }
}

function requireConflist({ node, confDir }: Runtime): Conflist {
  const list = readConflist(confDir);
  if (list !== undefined) return list;
  const message = `node ${node} has no pod network: its agent has put no CNI configuration into ${confDir}`;
  throw new MeshError("no-conflist", message, { retry: true });
}
