import { mkdirSync, readdirSync, readFileSync, renameSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import type { Clock } from "../platform/clock.ts";
import { MeshError, messageOf } from "../platform/errors.ts";
import { hasErrnoCode } from "./errno.ts";
import { labFile } from "./file.ts";
import { withLock } from "./lock.ts";

/** What a lab is made of and how far it has come: all that its commands know of each other. */

const processRef = z.object({ pid: z.int(), startTime: z.string() });

const podState = z.object({
  cluster: z.string(),
  name: z.string(),
  node: z.string(),
  /** Kubernetes namespace it plays to be in. */
  namespace: z.string(),
  owner: z.object({ kind: z.string(), name: z.string() }).optional(),
  annotations: z.record(z.string(), z.string()),
  /** Of its object in the cluster's store. */
  uid: z.string(),
  /** What its network hangs on now, a name that was never used before; absent until it is first started. */
  sandbox: z.string().optional(),
  /** As its network's plugin answered; none while it does not run. */
  addresses: z.array(z.string()),
});
export type PodState = z.infer<typeof podState>;

const labState = z.object({
  version: z.literal(1),
  file: labFile,
  /** By key: `holder:east/a` (keeps the node's mount namespace), `hub`, `store:east`, `agent:east/a`. */
  processes: z.record(z.string(), processRef),
  /** Clusters whose token was redeemed. */
  joined: z.array(z.string()),
  /** By cluster, as the hub last said. */
  podCIDRs: z.record(z.string(), z.array(z.string())),
  pods: z.array(podState),
  /** Targets of `lab break` that no `lab mend` followed. */
  broken: z.array(z.string()),
});
export type LabState = z.infer<typeof labState>;

/** One lab on this machine: its name and its folder. */
export interface Lab {
  readonly name: string;
  readonly dir: string;
  readonly clock: Clock;
}

/** Where programs of Trestle keep what is gone after a reboot: sockets. */
export const RUN = "/run/trestle";
/** The labs' folders. */
export const LABS = `${RUN}/lab`;

/** The lab named so. Names have no dash, so that no lab's namespaces look like another's. @throws MeshError `bad-lab-name` */
export function openLab(name: string, clock: Clock): Lab {
  if (!/^[a-z][a-z0-9]{0,15}$/.test(name)) {
    throw new MeshError(
      "bad-lab-name",
      `${JSON.stringify(name)} is no name for a lab: use at most 16 lower-case letters and digits, a letter first`,
      { retry: false },
    );
  }
  return { name, dir: path.join(LABS, name), clock };
}

/** Names of the labs on this machine. */
export function labNames(): string[] {
  try {
    return readdirSync(LABS).toSorted();
  } catch (error) {
    if (hasErrnoCode(error, "ENOENT")) return [];
    throw error;
  }
}

/** What a lab is called unless it is given a name. */
const DEFAULT_LAB = "lab";

/** The lab that is meant when none is named: the only one there is, else the one with the usual name. @throws MeshError `which-lab` */
export function usualLab(): string {
  const names = labNames();
  const [only = DEFAULT_LAB] = names;
  if (names.length < 2) return only;
  if (names.includes(DEFAULT_LAB)) return DEFAULT_LAB;
  const message = `several labs are up (${names.join(", ")}); say which: --name ${only}, or --lab=${only}/hub, --lab=${only}/CLUSTER`;
  throw new MeshError("which-lab", message, { retry: false });
}

/** What is recorded of the lab; undefined when it is not there. @throws MeshError `bad-lab-state` */
export function readState(lab: Lab): LabState | undefined {
  let text: string;
  try {
    text = readFileSync(stateFile(lab), "utf8");
  } catch (error) {
    if (hasErrnoCode(error, "ENOENT")) return undefined;
    throw error;
  }
  try {
    return labState.parse(JSON.parse(text));
  } catch (error) {
    const message = `${stateFile(lab)} can't be read (${messageOf(error)}); trestle lab down --name ${lab.name} takes the lab away`;
    throw new MeshError("bad-lab-state", message, { retry: false, cause: error });
  }
}

/** What is recorded of the lab. @throws MeshError `no-lab` when it is not there */
export function stateOf(lab: Lab): LabState {
  const state = readState(lab);
  if (state === undefined) {
    const others = labNames().join(", ");
    throw new MeshError(
      "no-lab",
      `no lab ${lab.name} is up${others ? ` (there is ${others})` : ""}; trestle lab up --name ${lab.name} makes it`,
      { retry: false },
    );
  }
  return state;
}

/** A lab's pods by cluster, in the order of the lab file. */
export function podsInOrder({ file, pods }: Pick<LabState, "file" | "pods">): PodState[] {
  return file.clusters.flatMap(({ name }) => pods.filter(({ cluster }) => cluster === name));
}

/** Starts the record of a new lab: its folders, for root alone. @throws MeshError `lab-unwritable` */
export function createState(lab: Lab, file: LabState["file"]): LabState {
  const state: LabState = { version: 1, file, processes: {}, joined: [], podCIDRs: {}, pods: [], broken: [] };
  try {
    mkdirSync(path.join(lab.dir, "logs"), { recursive: true, mode: 0o700 });
  } catch (error) {
    throw unwritable(lab, error);
  }
  write(lab, state);
  return state;
}

/**
 * Changes the record: `change` sees what is there now, and no other command writes meanwhile.
 * @throws MeshError `no-lab`, `lab-unwritable`
 */
export async function updateState(lab: Lab, change: (state: LabState) => LabState): Promise<LabState> {
  return withLock(`${lab.name}/state`, { clock: lab.clock }, () => {
    const next = change(stateOf(lab));
    write(lab, next);
    return next;
  });
}

/** Takes the lab's folder away, and those above it that this leaves empty. */
export function removeState(lab: Lab): void {
  rmSync(lab.dir, { recursive: true, force: true });
  for (const folder of [LABS, RUN]) {
    try {
      rmdirSync(folder);
    } catch (error) {
      if (hasErrnoCode(error, "ENOENT")) continue;
      if (hasErrnoCode(error, "ENOTEMPTY") || hasErrnoCode(error, "EEXIST")) return;
      throw error;
    }
  }
}

function stateFile(lab: Lab): string {
  return path.join(lab.dir, "state.json");
}

function write(lab: Lab, state: LabState): void {
  const next = `${stateFile(lab)}.next`;
  try {
    writeFileSync(next, `${JSON.stringify(state, undefined, 2)}\n`, { mode: 0o600 });
    renameSync(next, stateFile(lab));
  } catch (error) {
    throw unwritable(lab, error);
  }
}

function unwritable(lab: Lab, cause: unknown): MeshError {
  const message = `can't write into ${lab.dir}: ${messageOf(cause)}; a lab needs room in ${LABS}`;
  return new MeshError("lab-unwritable", message, { retry: false, cause });
}
