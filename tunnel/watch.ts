import { VXLAN_NAMES } from "./links/vxlan.ts";
import { DEVICE_PREFIX, NFT_TABLE, ROUTE_PROTOCOL } from "./marks.ts";
import type { MonitorDeps } from "./monitor.ts";
import { followMonitor } from "./monitor.ts";
import type { SaysHeld } from "./watch-held.ts";

export interface WatchDeps extends MonitorDeps {
  /** Devices that routes of ours lead out of besides our own, e.g. the LAN's: when one goes down, the kernel deletes such routes without a word. */
  readonly devices: readonly string[];
  /** Told of each change of one of `devices`, too: what the kernel forgets with a carrier is more than those routes. */
  readonly onDevice: () => void;
  /** Lines that are no news: they say only what the kernel is to hold, as the echo of our own changes does. */
  readonly isExpected: SaysHeld;
}

interface Monitor {
  readonly command: readonly string[];
  /** Whether a line is about something of ours. */
  readonly concerns: (line: string) => boolean;
}

/**
 * Calls `onChange` whenever something with our mark, or one of `devices`, changed or vanished, unless it is expected. Of
 * what our own syncs do with devices and addresses the echo is a sync that finds nothing to do. The lines only wake; what
 * there is, a sync observes.
 * Resolves when `signal` aborted and the monitors are gone. Debouncing is the caller's.
 */
export async function watchKernel(deps: WatchDeps, onChange: () => void, signal: AbortSignal): Promise<void> {
  const { devices, onDevice, isExpected } = deps;
  const onGap = (): void => {
    onChange();
    onDevice();
  };
  await Promise.all(
    monitors(devices).map(({ command, concerns }) => {
      const onLine = (line: string): void => {
        if (concerns(line) && !isExpected(line)) onChange();
        if (devices.includes(deviceIn(line) ?? "")) onDevice();
      };
      return followMonitor(deps, command, { onLine, onGap }, signal);
    }),
  );
}

function monitors(devices: readonly string[]): Monitor[] {
  return [
    {
      // neigh: fdb entries of a VXLAN device, too (vxlan_fdb_notify, RTNLGRP_NEIGH), so there is no `bridge monitor`.
      command: ["ip", "-o", "monitor", "link", "address", "route", "nexthop", "neigh"],
      concerns: (line) => concernsIp(line, devices),
    },
    // Only what is destroyed: on a node whose other programs write thousands of rules, `nft monitor` prints them all.
    { command: ["nft", "monitor", "destroy"], concerns: (line) => line.includes(` inet ${NFT_TABLE}`) },
  ];
}

/**
 * A neighbour, or an fdb entry, which ip takes for one: `192.0.2.2 dev trsvx lladdr 02:74:67:00:02:00 PERMANENT`. Not
 * those in state NOARP alone: the kernel makes and forgets them by itself as packets come and go.
 */
const NEIGHBOUR =
  /^(?:Deleted )?[\da-f.:]+ dev (\S+) .*(?:PERMANENT|REACHABLE|STALE|DELAY|PROBE|FAILED|INCOMPLETE)\s*$/;

/** Whether a line of `ip -o monitor` is about a route or nexthop of ours, a device of ours, or one of `devices`. */
export function concernsIp(line: string, devices: readonly string[]): boolean {
  if (line.includes(` proto ${ROUTE_PROTOCOL} `)) {
    return true;
  }
  const neighbourOf = NEIGHBOUR.exec(line)?.[1];
  if (neighbourOf !== undefined) {
    return VXLAN_NAMES.has(neighbourOf);
  }
  const device = deviceIn(line);
  return (
    device !== undefined && (device.startsWith(DEVICE_PREFIX) || VXLAN_NAMES.has(device) || devices.includes(device))
  );
}

/** Of a line about a device or one of its addresses: `2: eth0@if3: <BROADCAST,…`, `2: eth0    inet 192.0.2.1/24 …`. */
function deviceIn(line: string): string | undefined {
  return /^(?:Deleted )?\d+: ([^\s:@]+)/.exec(line)?.[1];
}
