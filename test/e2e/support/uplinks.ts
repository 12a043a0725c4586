import { UPLINK } from "../../../lab/topology.ts";
import { eventually } from "../../../platform/testing/eventually.ts";
import { orStop, startIn } from "./background.ts";
import type { TestLab } from "./test-lab.ts";

/** What leaves sites, or comes to them, with an inner address on the outside. */
export interface UplinkWatch {
  /** One line a packet so far, with the site before it: pods' and nodes' mesh addresses, for everybody to read. */
  readonly inClear: () => string[];
  /** Ends it. @throws when the kernel dropped packets that it could not look at in time, for then it proves nothing */
  readonly stop: () => Promise<void>;
}

/** Watches the routers of all these sites from when it resolves on. @param inner CIDRs of either family */
export async function watchUplinks(
  lab: TestLab,
  sites: readonly string[],
  inner: readonly string[],
): Promise<UplinkWatch> {
  const filter = inner.map((cidr) => `net ${cidr}`).join(" or ");
  const words = ["tcpdump", "-n", "-l", "-q", "--immediate-mode", "-s", "128", "-i", UPLINK, filter];
  const watches = sites.map((site) => ({ site, ...startIn(lab.router(site), words) }));
  await orStop(watches, () => eventually(() => watches.every(({ err }) => err().includes("listening on"))));
  return {
    inClear: () =>
      watches.flatMap(({ site, out }) =>
        out()
          .split("\n")
          .filter(Boolean)
          .map((packet) => `${site}: ${packet}`),
      ),
    stop: async () => {
      await Promise.all(watches.map(({ stop }) => stop("SIGINT")));
      for (const { site, err } of watches) {
        if (!err().includes("\n0 packets dropped by kernel")) throw new Error(`uplink of ${site}: ${err()}`);
      }
    },
  };
}
