import { randomBytes } from "node:crypto";
import path from "node:path";
import { z } from "zod";
import { changePods } from "../../../lab/change-pods.ts";
import { pluginInput, readConflist } from "../../../lab/conflist.ts";
import { layoutOf, podNetns } from "../../../lab/layout.ts";
import { netnsPath } from "../../../lab/netns.ts";
import { requireNode } from "../../../lab/place.ts";
import { ownerMark } from "../../../lab/topology.ts";
import { cniFolder } from "../../../lab/trestle.ts";
import { stateOf } from "../../../lab/state.ts";
import { hasCode } from "../../../platform/errors.ts";
import type { ProgramFailure } from "../../../platform/run.ts";
import { runner } from "../../../platform/run.ts";
import { findTool } from "../../../platform/tools.ts";
import type { TestLab } from "./test-lab.ts";

/** What a call of the plugin came to: addresses of a pod that was added, or its error code and words. */
export interface CNIOutcome {
  readonly code: number;
  readonly addresses: readonly string[];
  readonly message: string;
}

/** A sandbox whose network is asked for call by call, where the lab's runtime would ask again and write to the store first. */
export interface Sandbox {
  call(command: "ADD" | "DEL"): Promise<CNIOutcome>;
  remove(): Promise<void>;
}

const answered = z.object({ ips: z.array(z.object({ address: z.string() })) });
const failed = z.object({ code: z.int(), msg: z.string() });
/** More than the plugin waits for its agent and for the agent's answer. */
const CALL_LIMIT_MS = 90_000;

/** Makes a pod known in its cluster, with a namespace and no network yet. Both go with the lab. */
export async function makeSandbox(
  lab: TestLab,
  at: { readonly cluster: string; readonly node: string },
  name: string,
  annotations: Readonly<Record<string, string>> = {},
): Promise<Sandbox> {
  const { signal } = new AbortController();
  const known = { namespace: "default", name };
  const wish = { ...known, node: at.node, annotations };
  const [uid = ""] = await changePods(lab.lab, at.cluster, { put: [wish] }, signal);
  const netns = podNetns(lab.name, at.cluster, name);
  const host = runner();
  await host("ip", ["netns", "add", netns]);
  await host("ip", ["-n", netns, "link", "set", "lo", "alias", ownerMark(lab.name)]);
  const list = readConflist(
    cniFolder(lab.lab, requireNode(layoutOf(lab.name, stateOf(lab.lab).file), at.cluster, at.node)),
  );
  const [own] = list?.plugins ?? [];
  if (list === undefined || own === undefined) throw new Error(`${at.cluster}/${at.node} gives pods no networks`);
  const plugin = findTool("trestle-cni", "");
  const variables = [
    `CNI_CONTAINERID=${randomBytes(32).toString("hex")}`,
    `CNI_NETNS=${netnsPath(netns)}`,
    "CNI_IFNAME=eth0",
    `CNI_ARGS=IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=${name};K8S_POD_UID=${uid}`,
    `CNI_PATH=${path.dirname(plugin)}`,
  ];
  return {
    call: async (command) => {
      const words = ["-i", `CNI_COMMAND=${command}`, ...variables, plugin];
      const stdin = JSON.stringify(pluginInput(list, own));
      try {
        const said = await lab.place(`${at.cluster}/${at.node}`).run("env", words, { stdin, limitMs: CALL_LIMIT_MS });
        const ips = command === "ADD" ? answered.parse(JSON.parse(said)).ips : [];
        return { code: 0, addresses: ips.map(({ address }) => address.split("/")[0] ?? ""), message: "" };
      } catch (error) {
        if (!hasCode(error, "program-failed")) throw error;
        const { code, msg } = failed.parse(JSON.parse((error.cause as ProgramFailure).stdout));
        return { code, addresses: [], message: msg };
      }
    },
    remove: async () => {
      await changePods(lab.lab, at.cluster, { delete: [known] }, signal);
      await host("ip", ["netns", "delete", netns]);
    },
  };
}
