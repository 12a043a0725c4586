import { availableParallelism, release } from "node:os";
import { runner } from "../../platform/run.ts";
import { findTool } from "../../platform/tools.ts";

/** What a figure depends on, and nothing that tells whose machine it was. */
export interface Machine {
  readonly cpus: number;
  readonly kernel: string;
  readonly node: string;
  readonly wireguardGo: string;
  readonly iperf3: string;
}

/** Describes this machine. */
export async function describeMachine(): Promise<Machine> {
  const run = runner();
  const wireguardGo = await run(findTool("wireguard-go", process.env["PATH"] ?? ""), ["--version"]);
  return {
    cpus: availableParallelism(),
    kernel: versionIn(release()),
    node: versionIn(process.version),
    wireguardGo: versionIn(wireguardGo),
    iperf3: versionIn(await run("iperf3", ["--version"])),
  };
}

/** What a distribution or an owner adds to a version is left out. */
function versionIn(text: string): string {
  return /\d+(\.\d+)+/.exec(text)?.[0] ?? "unknown";
}
