import { MeshError } from "../platform/errors.ts";
import type { ResourceKind, ResourceReader, StoredObject } from "../platform/store/port.ts";
import type { Globals } from "./globals.ts";
import { renderOne } from "./output.ts";
import type { Look } from "./output.ts";
import { withHub, withOwnStore } from "./session.ts";
import type { Shell } from "./shell.ts";

/** Shows one object of the hub, drawn by `describe` unless data is wanted. @throws MeshError `not-found`, naming those there are */
export async function showHubObject<T extends StoredObject>(
  shell: Shell,
  globals: Globals,
  kind: ResourceKind<T>,
  name: string,
  describe: (object: T, look: Look) => string,
): Promise<void> {
  const object = await withHub(shell, globals, async ({ store }) => objectNamed(await store(), kind, name));
  shell.out(renderOne(shell, globals.output, object, (look) => describe(object, look)));
}

/**
 * Shows one object of a cluster's own store, called by the word that people call it by. `describe` may read what belongs
 * to it.
 * @throws MeshError `no-store`, `not-found`, naming those there are
 */
export async function showOwnObject<T extends StoredObject>(
  shell: Shell,
  globals: Globals,
  { kind, name }: { readonly kind: ResourceKind<T>; readonly name: string },
  describe: (object: T, peers: ResourceReader) => Promise<(look: Look) => string>,
): Promise<void> {
  await withOwnStore(shell, globals, async (store) => {
    const object = await objectNamed(store, kind, name);
    shell.out(renderOne(shell, globals.output, object, await describe(object, store)));
  });
}

/** @throws MeshError `not-found`, naming those there are */
export async function objectNamed<T extends StoredObject>(
  peers: ResourceReader,
  kind: ResourceKind<T>,
  name: string,
): Promise<T> {
  const found = await peers.get(kind, name);
  if (found !== undefined) return found;
  const names = (await peers.list(kind)).map(({ metadata }) => metadata.name);
  throw notFound(kind, name, names);
}

const NAMED_AT_MOST = 20;

/** `there is no Cluster "est"; there are east, west` */
export function notFound(
  kind: Pick<ResourceKind<StoredObject>, "kind" | "plural">,
  name: string,
  known: readonly string[],
): MeshError {
  const named = known.slice(0, NAMED_AT_MOST).join(", ");
  const rest = known.length > NAMED_AT_MOST ? ` and ${known.length - NAMED_AT_MOST} more` : "";
  const there =
    known.length === 0
      ? `there are no ${kind.plural} at all`
      : `there ${known.length === 1 ? "is" : "are"} ${named}${rest}`;
  return new MeshError("not-found", `there is no ${kind.kind} "${name}"; ${there}`, { retry: false });
}
