import { afterEach, beforeEach } from "@jest/globals";
import { widgets } from "../testing/widget.ts";
import type { Widget } from "../testing/widget.ts";
import type { Change, ResourceKind, ResourceStore, Watch } from "./port.ts";

/** A store under test, with the faults its tests need. */
export interface StoreUnderTest {
  readonly store: ResourceStore;
  /** Another client of the same store. */
  openAnother(): Promise<ResourceStore>;
  /** Ends the server the hard way and starts it again; `wiped`: it comes back with nothing. */
  restart(how: "kept" | "wiped"): Promise<void>;
  /** Puts something under the name of a widget that no widget's schema accepts. */
  corrupt(name: string): Promise<void>;
  close(): Promise<void>;
}

/** A watch with what it told. */
export interface Watched extends Watch<Widget> {
  readonly changes: readonly Change<Widget>[];
  /** Size by name, of what it knows now. */
  sizes(): Readonly<Record<string, number>>;
}

/** A new store for each test, and short words for what tests do with it. */
export interface StoreBench {
  readonly under: StoreUnderTest;
  readonly store: ResourceStore;
  /** Ends all watches of the test. */
  readonly watching: AbortController;
  make(name: string, size?: number, finalizers?: readonly string[]): Promise<Widget>;
  watch(store?: ResourceStore, kind?: ResourceKind<Widget>): Watched;
}

/** Registers the opening and closing of a store around each test of the present `describe`. */
export function storeBench(open: () => Promise<StoreUnderTest>): StoreBench {
  let under: StoreUnderTest;
  let watching: AbortController;
  beforeEach(async () => {
    under = await open();
    watching = new AbortController();
  }, 30_000);
  afterEach(async () => {
    watching.abort();
    await under.close();
  }, 30_000);
  return {
    get under() {
      return under;
    },
    get store() {
      return under.store;
    },
    get watching() {
      return watching;
    },
    make: (name, size = 1, finalizers = []) =>
      under.store.create(widgets, { metadata: { name, finalizers }, spec: { size } }),
    watch: (store = under.store, kind = widgets) => {
      const changes: Change<Widget>[] = [];
      const watch = store.watch(kind, (change) => changes.push(change), watching.signal);
      const sizes = () => Object.fromEntries([...watch.objects].map(([name, { spec }]) => [name, spec.size]));
      return { ...watch, changes, sizes };
    },
  };
}

/** `widget` as its next writer wants it. */
export function grow(widget: Widget, size: number): Widget {
  return { ...widget, spec: { size } };
}
