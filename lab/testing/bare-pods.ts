import { runner } from "../../platform/run.ts";
import { POD_MTU_OVERHEAD, podAlias, podDevice, wirePod } from "../../tunnel/pod-link.ts";
import { layoutOf, podNetns } from "../layout.ts";
import { netnsPath } from "../netns.ts";
import { findPlace, requireSite } from "../place.ts";
import { recordPods, notePods } from "../pod-records.ts";
import { stateOf } from "../state.ts";
import type { Lab } from "../state.ts";
import { ownerMark } from "../topology.ts";

/** A pod of a lab in which no agent runs: its address is the test's to choose, and nobody keeps a record of it. */
export interface BarePod {
  readonly cluster: string;
  readonly name: string;
  readonly node: string;
  readonly addresses: readonly string[];
}

/** Wires a pod to its node as the plugin would, and writes it down. */
export async function addBarePod(lab: Lab, { cluster, name, node, addresses }: BarePod): Promise<void> {
  const host = runner();
  const netns = podNetns(lab.name, cluster, name);
  await host("ip", ["netns", "add", netns]);
  await host("ip", ["-n", netns, "link", "set", "lo", "alias", ownerMark(lab.name)]);
  const state = stateOf(lab);
  await wirePod(findPlace(lab, state, `${cluster}/${node}`).run, {
    device: podDevice(netns),
    alias: podAlias({ sandbox: netns, interface: "eth0" }),
    netns: netnsPath(netns),
    interface: "eth0",
    addresses,
    mtu: requireSite(layoutOf(lab.name, state.file), cluster).mtu - POD_MTU_OVERHEAD,
  });
  const recorded = await recordPods(lab, [{ cluster, name, node, namespace: "default", annotations: {}, uid: "" }]);
  await notePods(
    lab,
    recorded.map((pod) => ({ ...pod, addresses: [...addresses] })),
  );
}
