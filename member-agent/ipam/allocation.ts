import type { Attachment } from "../../mesh/ipam/resources.ts";
import type { Binding } from "./binding.ts";
import type { Undo } from "./in-store.ts";

/** What a pod was given. */
export interface Allocation {
  readonly bindings: readonly Binding[];
  /** False: it had them before, by this very attachment. */
  readonly isNew: boolean;
  /** Sandbox that had them before, of the same pod or of one in whose place this came; its wire has to go first. */
  readonly former?: Attachment | undefined;
}

/** One address that was claimed and is not yet written down, and the way back. */
export interface Claimed {
  readonly binding: Binding;
  readonly undo: Undo;
}
