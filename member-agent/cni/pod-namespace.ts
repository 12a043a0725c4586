import { statSync } from "node:fs";
import type { Stats } from "node:fs";
import { MeshError } from "../../platform/errors.ts";
import type { Run } from "../../platform/run.ts";
import { CNI_CODES, CNIError } from "./cni-error.ts";

/** Where a process finds the network namespace that it is in: a file of the kernel's own, as every namespace is (nsfs). */
const OWN = "/proc/self/ns/net";

/** Looks at the network namespaces that pods are to be wired in. */
export class PodNamespaces {
  readonly #run: Run;
  /** Of the node's own: a program is asked for it once, for the agent may be elsewhere. */
  #inode: Promise<number> | undefined;

  /** @param run runs programs on the node */
  constructor(run: Run) {
    this.#run = run;
  }

  /**
   * In the node's own namespace a pod's address and default route would be the node's.
   * @throws CNIError 3 where there is nothing at the path, 4 where there is no pod's namespace
   */
  async require(netns: string): Promise<void> {
    const found = statOf(netns);
    if (found === undefined) {
      throw new CNIError(CNI_CODES.unknownContainer, `there is no network namespace at CNI_NETNS ${netns}`);
    }
    // Namespaces are all of one device, and their inodes are told apart by nothing else.
    if (found.dev !== statSync(OWN).dev) {
      throw new CNIError(CNI_CODES.badEnvironment, `CNI_NETNS ${netns} is no network namespace`);
    }
    if (found.ino === (await this.#ownInode())) {
      throw new CNIError(CNI_CODES.badEnvironment, `CNI_NETNS ${netns} is the node's own network namespace, no pod's`);
    }
  }

  async #ownInode(): Promise<number> {
    const asked = (this.#inode ??= this.#readInode());
    try {
      return await asked;
    } catch (error) {
      if (this.#inode === asked) this.#inode = undefined;
      throw error;
    }
  }

  /** @throws MeshError `bad-output`, and as {@link Run} does */
  async #readInode(): Promise<number> {
    const link = await this.#run("readlink", [OWN]);
    const [, inode] = /^net:\[(\d+)\]$/.exec(link.trim()) ?? [];
    if (inode !== undefined) return Number(inode);
    throw new MeshError("bad-output", `readlink ${OWN}: not understood: ${link}`, { retry: false });
  }
}

/** At once, so that ADDs stay in the order in which they came. */
function statOf(file: string): Stats | undefined {
  try {
    return statSync(file);
  } catch {
    return undefined;
  }
}
