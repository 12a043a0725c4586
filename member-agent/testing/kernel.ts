import type { Fault } from "../../tunnel/report.ts";
import type { DataPath } from "../../tunnel/state.ts";
import type { NodeKernel } from "../data-path.ts";
import { syncIncomplete } from "../sync-failure.ts";

/** One call to make the kernel hold something. */
export interface FakeSync {
  readonly want: DataPath;
  /** Whether it had to look at what there is, for nobody could say. */
  readonly isLook: boolean;
}

/** A kernel that holds what it is told, but for the parts that fail. */
export class FakeKernel implements NodeKernel {
  readonly syncs: FakeSync[] = [];
  /** What fails, until it is another. */
  failing: readonly Fault["part"][] = [];
  /** What happens in the middle of a sync. */
  meanwhile: () => void = () => undefined;
  #known: readonly string[] = [];

  known(): Promise<readonly string[]> {
    return Promise.resolve(this.#known);
  }

  remember(known: readonly string[]): Promise<void> {
    this.#known = known;
    return Promise.resolve();
  }

  paths(): ReturnType<NodeKernel["paths"]> {
    return Promise.resolve({ routes: [], nexthops: [] });
  }

  hold(want: DataPath, held: DataPath | undefined): Promise<readonly Fault[]> {
    this.syncs.push({ want, isLook: held === undefined });
    this.meanwhile();
    return Promise.resolve(this.#failed());
  }

  release(): Promise<void> {
    this.#known = [];
    const failed = this.#failed();
    return failed.length > 0 ? Promise.reject(syncIncomplete(failed)) : Promise.resolve();
  }

  #failed(): Fault[] {
    return this.failing.map((part) => ({ part, step: "try it", message: "refused by the test" }));
  }
}
