import { hasCode, messageOf } from "../../platform/errors.ts";
import type { Run } from "../../platform/run.ts";
import type { Outcome } from "../outcome.ts";
import { runPiped } from "../piped.ts";
import type { WireGuardStep } from "./plan.ts";

/** Bytes of arguments one `wg set` gets: far below the kernel's limit (execve(2): 128 KB an argument, 2 MB in all). */
const ARGUMENT_BYTES = 256 * 1024;

/**
 * Carries out steps for one interface by as few `wg set` as fit. wg reads all of its arguments before it does anything,
 * so one bad peer keeps out all the others: halves find it. When nothing answers, all that is left fails at once, for
 * each try would hold up the sync by its whole time limit.
 */
export async function applyWireGuard(run: Run, device: string, steps: readonly WireGuardStep[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const due = chunks(steps);
  for (let next = due.shift(); next !== undefined; next = due.shift()) {
    try {
      await set(run, device, next);
      outcomes.push(...next.map((step) => ({ step: sentence(device, step) })));
    } catch (error) {
      const wasRefused = hasCode(error, "program-failed");
      if (wasRefused && next.length > 1) {
        const half = Math.ceil(next.length / 2);
        due.unshift(next.slice(0, half), next.slice(half));
        continue;
      }
      const failed = wasRefused ? next : [...next, ...due.splice(0).flat()];
      outcomes.push(...failed.map((step) => ({ step: sentence(device, step), error: messageOf(error) })));
    }
  }
  return outcomes;
}

async function set(run: Run, device: string, steps: readonly WireGuardStep[]): Promise<void> {
  const args = ["set", device, ...steps.flatMap(wgArguments)];
  const secret = steps.find((step) => step.op === "configure")?.privateKey;
  await (secret === undefined ? run("wg", args) : runPiped(run, "wg", args, `${secret}\n`));
}

/** What `wg set IF` is told; the private key is only pointed at. */
function wgArguments(step: WireGuardStep): string[] {
  switch (step.op) {
    case "configure":
      return [
        ...(step.privateKey === undefined ? [] : ["private-key", "/dev/stdin"]),
        ...(step.listenPort === undefined ? [] : ["listen-port", String(step.listenPort)]),
        ...(step.fwmark === undefined ? [] : ["fwmark", String(step.fwmark)]),
      ];
    case "peer":
      return [
        "peer",
        step.publicKey,
        ...(step.endpoint === undefined ? [] : ["endpoint", step.endpoint]),
        ...(step.persistentKeepalive === undefined ? [] : ["persistent-keepalive", String(step.persistentKeepalive)]),
        ...(step.allowedIPs === undefined ? [] : ["allowed-ips", step.allowedIPs.join(",")]),
      ];
    case "remove":
      return ["peer", step.publicKey, "remove"];
  }
}

function chunks(steps: readonly WireGuardStep[]): WireGuardStep[][] {
  const all: WireGuardStep[][] = [];
  let room = 0;
  for (const step of steps) {
    const size = wgArguments(step).join(" ").length;
    if (all.length === 0 || size > room) {
      all.push([]);
      room = ARGUMENT_BYTES;
    }
    all.at(-1)?.push(step);
    room -= size;
  }
  return all;
}

/** The private key is not in it: steps end up in logs. */
function sentence(device: string, step: WireGuardStep): string {
  return `wg set ${device} ${wgArguments(step).join(" ")}`;
}
