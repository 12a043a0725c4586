import type { ResourceStore, StoredObject } from "../platform/store/port.ts";
import { isData } from "./format.ts";
import { framePrinter } from "./frames.ts";
import type { Globals } from "./globals.ts";
import { columnsFrom } from "./kinds/columns.ts";
import type { KnownKind } from "./kinds/known-kind.ts";
import { renderList } from "./output.ts";
import { withHub } from "./session.ts";
import { note } from "./shell.ts";
import type { Shell } from "./shell.ts";

/** How a list is shown. */
export interface Listing {
  readonly watch: boolean;
  /** What to say on standard error when there is nothing to list. */
  readonly empty: string;
}

// One change seldom comes alone: what follows within this time is in the same frame.
const GATHER_MS = 100;

/** What of a kind a list needs. */
type Listed<T extends StoredObject> = Pick<KnownKind<T>, "kind" | "columns" | "order">;

/** Lists all of one kind of the hub, as `trestle NOUN list` does. */
export async function listHubKind<T extends StoredObject>(
  shell: Shell,
  globals: Globals,
  listed: Listed<T>,
  listing: Listing,
): Promise<void> {
  await withHub(shell, globals, async ({ store }) => list(shell, globals, await store(), listed, listing));
}

/** Lists all of one kind, once or, watching, at every change until the person has enough. */
export async function list<T extends StoredObject>(
  shell: Shell,
  globals: Globals,
  store: ResourceStore,
  listed: Listed<T>,
  listing: Listing,
): Promise<void> {
  if (listing.watch) return watchList(shell, globals, store, listed);
  const objects = inOrder(await store.list(listed.kind), listed);
  shell.out(renderList(shell, globals.output, await columnsFrom(listed.columns, store), objects));
  if (objects.length === 0 && !isData(globals.output)) note(shell, listing.empty);
}

async function watchList<T extends StoredObject>(
  shell: Shell,
  globals: Globals,
  store: ResourceStore,
  listed: Listed<T>,
): Promise<void> {
  const show = framePrinter(shell, globals);
  let changed = Promise.withResolvers<void>();
  shell.signal.addEventListener("abort", () => changed.resolve(), { once: true });
  const watch = store.watch(listed.kind, () => changed.resolve(), shell.signal);
  await watch.synced;
  while (!shell.signal.aborted) {
    changed = Promise.withResolvers();
    const columns = await columnsFrom(listed.columns, store);
    show(renderList(shell, globals.output, columns, inOrder([...watch.objects.values()], listed)));
    await changed.promise;
    await shell.clock.sleep(GATHER_MS, shell.signal);
  }
  await watch.done;
}

function inOrder<T extends StoredObject>(objects: readonly T[], { order }: Listed<T>): T[] {
  const keyed = objects.map((object) => {
    const { name } = object.metadata;
    return { object, key: order === undefined ? name : order(name) };
  });
  return keyed.toSorted((a, b) => (a.key < b.key ? -1 : 1)).map(({ object }) => object);
}
