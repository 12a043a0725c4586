import { familyOf } from "../../mesh/cidr.ts";
import type { Clock } from "../../platform/clock.ts";
import { hasCode } from "../../platform/errors.ts";
import type { Run } from "../../platform/run.ts";
import type { Outcome } from "../outcome.ts";
import { attempt } from "../outcome.ts";

/** How often an address is announced: a frame may be lost, and nobody acknowledges one. */
const TIMES = 3;
/** Of RFC 5227, ANNOUNCE_INTERVAL is 2 s; arping(8) knows whole seconds alone. */
const INTERVAL_MS = 1000;

/** What ends announcements before their time, and what they wait by. */
export interface Pace {
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Tells the LAN that this node answers for an address: a gratuitous ARP request (RFC 5227, 3) or an unsolicited
 * neighbour advertisement that overrides what neighbours know (RFC 4861, 7.2.6), three times, the first at once.
 * Settles after the last one; says what failed.
 */
export async function announce(node: Run, nic: string, address: string, pace: Pace): Promise<Outcome> {
  return attempt(`announce ${address} on ${nic}`, async () => {
    try {
      await (familyOf(address) === 4
        ? node("arping", ["-q", "-U", "-c", String(TIMES), "-I", nic, address], { signal: pace.signal })
        : advertise(node, nic, address, pace));
    } catch (error) {
      if (!hasCode(error, "aborted")) throw error;
    }
  });
}

/** Without -U ndptool(8) would say "solicited" and not "override", and nobody who has another MAC would believe it. */
async function advertise(node: Run, nic: string, address: string, { clock, signal }: Pace): Promise<void> {
  for (let left = TIMES; left > 0 && !signal.aborted; left--) {
    await node("ndptool", ["-t", "na", "-U", "-T", address, "-i", nic, "send"], { signal });
    if (left > 1) await clock.sleep(INTERVAL_MS, signal);
  }
}
