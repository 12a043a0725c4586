import { ipBlockKind } from "../../crds/ip-block.ts";
import { ipInstanceKind } from "../../crds/ip-instance.ts";
import { membershipKind } from "../../crds/membership.ts";
import { networkKind } from "../../crds/network.ts";
import { nodeKind } from "../../crds/node.ts";
import { subnetKind } from "../../crds/subnet.ts";
import { startMemberStore } from "../../member-agent/testing/store.ts";
import type { ResourceStore, StoredObject } from "../../platform/store/port.ts";
import { trestle } from "./captured-shell.ts";
import type { CaptureOptions, Captured } from "./captured-shell.ts";

/** A cluster's own store as the command line meets it, whose admission judges. No agent runs. */
export interface OwnStore {
  readonly store: ResourceStore;
  /** Types `trestle … --store FILE`; words are separated by one space. */
  type(line: string, options?: CaptureOptions): Promise<Captured>;
  /** Standard output of lines that all have to succeed. */
  done(...lines: readonly string[]): Promise<string>;
  /** All there is, to compare before and after. */
  everything(): Promise<unknown>;
  clear(): Promise<void>;
  remove(): Promise<void>;
}

const KINDS = [ipBlockKind, ipInstanceKind, membershipKind, networkKind, nodeKind, subnetKind];

export async function startOwnStore(): Promise<OwnStore> {
  const { store, file, remove } = await startMemberStore();
  const type: OwnStore["type"] = (line, options) =>
    trestle([...line.split(" "), "--store", file], { env: { HOME: "/nonexistent" }, ...options });
  return {
    store,
    type,
    remove,
    done: async (...lines) => {
      let stdout = "";
      for (const line of lines) {
        const ended = await type(line);
        if (ended.exitCode !== 0) throw new Error(`trestle ${line}: ${ended.stderr}`);
        stdout += ended.stdout;
      }
      return stdout;
    },
    everything: () => Promise.all(KINDS.map((kind) => store.list<StoredObject>(kind))),
    clear: async () => {
      for (const kind of KINDS) {
        for (const { metadata } of await store.list<StoredObject>(kind)) {
          await store.delete<StoredObject>(kind, metadata.name);
        }
      }
    },
  };
}
