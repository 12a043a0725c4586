import { systemClock } from "../../../platform/clock.ts";
import { PathProbe } from "../path-probe.ts";

/** Probes one path, from and to the addresses that it is told, and says "proven" once for each proof; for namespaces of tests. */
const [from = "", to = ""] = process.argv.slice(2);
const probe = new PathProbe(systemClock);
probe.follow([{ cluster: "west", rank: 0, kind: "VXLAN", from, to, sends: "VXLAN", wants: "VXLAN", everyMs: 50 }]);
const life = new AbortController();
process.once("SIGTERM", () => life.abort());
const running = probe.run(life.signal);
let lastMs = -1;
while (!life.signal.aborted) {
  await systemClock.sleep(20, life.signal);
  const { provenMs = -1 } = probe.heard("west", 0, "VXLAN") ?? {};
  if (provenMs > lastMs) process.stdout.write("proven\n");
  lastMs = provenMs;
}
await running;
