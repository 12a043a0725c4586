import type { Clock } from "../platform/clock.ts";
import type { LeaseStore } from "../platform/lease.ts";
import type { Log } from "../platform/log.ts";
import type { Run } from "../platform/run.ts";
import type { StateFolder } from "../platform/state-folder.ts";
import type { ResourceStore } from "../platform/store/port.ts";
import type { Lookup } from "./gateway/resolve.ts";
import type { ConnectNats } from "./member/connect.ts";
import type { AgentSettings } from "./settings.ts";

/** What an agent works with: this node's programs and disk, the cluster's store, the hub. */
export interface AgentParts {
  readonly settings: AgentSettings;
  readonly folder: StateFolder;
  /** Runs programs in this node's namespaces. */
  readonly run: Run;
  /** What starts a program there that goes on; empty where the agent runs there itself. */
  readonly prefix: readonly string[];
  /** Path of wireguard-go, for kernels without WireGuard. */
  readonly wireGuardGo: string | undefined;
  /** Connects to the member's store; waits until it is there. */
  readonly openStore: () => Promise<ResourceStore & LeaseStore>;
  readonly connect: ConnectNats;
  /** Looks other gateways' names up. */
  readonly lookup: Lookup;
  readonly clock: Clock;
  readonly log: Log;
  /** Told whether the kernel holds what it should. */
  readonly onReady: (ready: boolean) => void;
  /** Told when it ends, be it by a failure: aborts what it works under. */
  readonly onEnd: () => void;
}
