import type { Run } from "../../platform/run.ts";
import { ipBatch } from "../ip.ts";
import type { Outcome } from "../outcome.ts";
import { attempt, heldBack } from "../outcome.ts";
import { DEVICE_ALIAS } from "../marks.ts";
import type { Link } from "./observe.ts";
import type { LinkStep, WantedLink } from "./plan.ts";
import { vxlanArguments } from "./vxlan.ts";

type CreateStep = Extract<LinkStep, { readonly op: "create" }>;
type RefuseStep = Extract<LinkStep, { readonly op: "refuse" }>;
type SettingStep = Extract<LinkStep, { readonly op: "set" | "address" }>;

export interface AppliedLinks {
  readonly outcomes: readonly Outcome[];
  /** Devices that could not be made, or that are another's: nothing is to be put on them. */
  readonly absent: ReadonlySet<string>;
}

/**
 * Carries out link steps: devices come and go one by one, then those that are there are set right, all by one process.
 * @param wireGuardGo path of wireguard-go, for kernels without WireGuard
 */
export async function applyLinks(run: Run, steps: readonly LinkStep[], wireGuardGo?: string): Promise<AppliedLinks> {
  const outcomes: Outcome[] = [];
  const absent = new Set<string>();
  for (const step of steps.filter((each) => !isSetting(each))) {
    const outcome =
      step.op === "refuse" ? taken(step) : await attempt(sentence(step), () => applyLink(run, step, wireGuardGo));
    if (outcome.error !== undefined && (step.op === "create" || step.op === "refuse")) {
      absent.add(step.name); // one failure says it all
    }
    outcomes.push(outcome);
  }
  const settings = steps.filter(isSetting).filter(({ name }) => !absent.has(name));
  const set = await ipBatch(run, settings.map(settingLine));
  return { outcomes: [...outcomes, ...set], absent };
}

/** As {@link applyLinks} where no step may be carried out for now: those that are there carry on as they are. */
export function holdLinks(want: readonly WantedLink[], put: readonly LinkStep[], have: readonly Link[]): AppliedLinks {
  const refused = put.filter((step) => step.op === "refuse");
  const present = new Set(have.map(({ name }) => name));
  const absent = [...refused, ...want.filter(({ name }) => !present.has(name))].map(({ name }) => name);
  const held = put.length > refused.length ? [heldBack("open tunnels")] : [];
  return { outcomes: [...refused.map(taken), ...held], absent: new Set(absent) };
}

function isSetting(step: LinkStep): step is SettingStep {
  return step.op === "set" || step.op === "address";
}

function settingLine(step: SettingStep): string {
  return step.op === "set"
    ? `link set dev ${step.name} ${step.args.join(" ")}`
    : `address add ${step.address} dev ${step.name} scope host`;
}

function taken(step: RefuseStep): Outcome {
  const error = `device ${step.name} is there already, of kind ${step.kind}, and not ours; rename or delete it`;
  return { step: sentence(step), error, obstacle: true };
}

async function applyLink(
  run: Run,
  step: Exclude<LinkStep, SettingStep | RefuseStep>,
  wireGuardGo: string | undefined,
): Promise<void> {
  if (step.op === "create") return create(run, step, wireGuardGo);
  // wireguard-go sees its device go, removes its socket and exits by itself.
  await run("ip", ["link", "delete", "dev", step.name]);
}

/**
 * Makes a device and marks it by one process, which carries on when we end: without the mark it would never be deleted,
 * and the kernel takes none while it makes a device.
 */
async function create(run: Run, step: CreateStep, wireGuardGo: string | undefined): Promise<void> {
  switch (step.role) {
    case "tunnel":
      return createTunnel(run, step.name, wireGuardGo);
    case "mesh":
      return createMeshDevice(run, step.name);
    case "vxlan":
      return addLink(run, step.name, ["address", step.vxlan.mac, ...vxlanArguments(step.vxlan)]);
  }
}

async function addLink(run: Run, name: string, args: readonly string[]): Promise<void> {
  const lines = [`link add dev ${name} ${args.join(" ")}`, `link set dev ${name} alias ${DEVICE_ALIAS}`];
  await run("ip", ["-batch", "-"], { stdin: `${lines.join("\n")}\n` });
}

/** Constant: program, device and alias arrive as positional parameters. */
const START_MARKED = '"$0" "$1" && exec ip link set dev "$1" alias "$2"';

/**
 * The kernel's WireGuard, else wireguard-go in a session of its own: it outlives us, and the next agent finds the
 * device and adopts it. Run without -f it makes device and socket before it goes to the background, all its standard
 * streams on /dev/null; but with LOG_LEVEL set it would keep ours open.
 */
async function createTunnel(run: Run, name: string, wireGuardGo: string | undefined): Promise<void> {
  try {
    await addLink(run, name, ["type", "wireguard"]);
  } catch (error) {
    if (wireGuardGo === undefined) {
      throw error;
    }
    const start = ["setsid", "sh", "-c", START_MARKED, wireGuardGo, name, DEVICE_ALIAS];
    await run("env", ["--unset=LOG_LEVEL", "--chdir=/", ...start]);
    await run("wg", ["show", name, "listen-port"]);
  }
}

/** A dummy, else a bridge without ports, which is as good a home for addresses. */
async function createMeshDevice(run: Run, name: string): Promise<void> {
  try {
    await addLink(run, name, ["type", "dummy"]);
  } catch {
    await addLink(run, name, ["type", "bridge"]);
  }
}

function sentence(step: Exclude<LinkStep, SettingStep>): string {
  const settings = step.op !== "create" ? [] : step.role === "vxlan" ? vxlanArguments(step.vxlan) : [step.role];
  return ["link", step.op, step.name, ...settings].join(" ");
}
