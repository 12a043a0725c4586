import { familyOf } from "../../mesh/cidr.ts";
import type { Pace } from "../../platform/clock.ts";
import { hasCode } from "../../platform/errors.ts";
import type { Run } from "../../platform/run.ts";
import type { Outcome } from "../outcome.ts";
import { attempt } from "../outcome.ts";

/** How often an address is announced: a frame may be lost, and nobody acknowledges one. */
const TIMES = 3;
/** Of RFC 5227, ANNOUNCE_INTERVAL is 2 s; arping(8), which waits by itself after what it sent, knows whole seconds alone. */
const INTERVAL_MS = 1000;

/**
 * Tells the LAN that this node answers for an address: a gratuitous ARP request (RFC 5227, 3) or an unsolicited
 * neighbour advertisement that overrides what neighbours know (RFC 4861, 7.2.6), three times, the first at once.
 * @param isOurs whether this node still answers for it: the pod may be on another node by now, which announces it, too
 * @returns after the last one; says what failed
 */
export async function announce(
  node: Run,
  nic: string,
  address: string,
  isOurs: () => Promise<boolean>,
  pace: Pace,
): Promise<Outcome> {
  return announcing(nic, address, async () => {
    for (let times = 0; times < TIMES && !pace.signal.aborted; times++) {
      if (times > 0 && !(await isOurs())) return;
      await tell(node, nic, address, pace);
    }
  });
}

/** Tells it once, as {@link announce} does: to whoever may have heard another answer since. @returns some time after it */
export async function announceOnce(node: Run, nic: string, address: string, pace: Pace): Promise<Outcome> {
  return announcing(nic, address, () => tell(node, nic, address, pace));
}

function announcing(nic: string, address: string, act: () => Promise<void>): Promise<Outcome> {
  return attempt(`announce ${address} on ${nic}`, async () => {
    try {
      await act();
    } catch (error) {
      if (!hasCode(error, "aborted")) throw error;
    }
  });
}

function tell(node: Run, nic: string, address: string, pace: Pace): Promise<void> {
  return familyOf(address) === 4 ? tellByARP(node, nic, address, pace) : advertise(node, nic, address, pace);
}

async function tellByARP(node: Run, nic: string, address: string, { signal }: Pace): Promise<void> {
  await node("arping", ["-q", "-U", "-c", "1", "-I", nic, address], { signal });
}

/** Without -U ndptool(8) would say "solicited" and not "override", and nobody who has another MAC would believe it. */
async function advertise(node: Run, nic: string, address: string, { clock, signal }: Pace): Promise<void> {
  await node("ndptool", ["-t", "na", "-U", "-T", address, "-i", nic, "send"], { signal });
  await clock.sleep(INTERVAL_MS, signal);
}
