import { MeshError } from "../platform/errors.ts";
import { retryOnConflict } from "../platform/store/amend.ts";
import type { ResourceKind, ResourceStore, StoredObject } from "../platform/store/port.ts";
import type { Globals } from "./globals.ts";
import { heldBy } from "./held.ts";
import { kindNamed } from "./kinds/registry.ts";
import type { KnownKind } from "./kinds/known-kind.ts";
import { withHub, withStore } from "./session.ts";
import { objectNamed } from "./show.ts";
import { note } from "./shell.ts";
import type { Shell } from "./shell.ts";

/**
 * Deletes one object the way its kind wants it. `force` is for clusters: also while linked.
 * @throws MeshError `not-found`, `not-deletable`, and whatever the kind's guard or the hub refuses it with
 */
export async function deleteObject(
  shell: Shell,
  globals: Globals,
  word: string,
  typed: string,
  { force }: { readonly force: boolean } = { force: false },
): Promise<void> {
  const known = kindNamed(globals.store === undefined ? "hub" : "member", word);
  const { kind, deletion } = known;
  const name = known.nameOf?.(typed) ?? typed;
  switch (deletion.by) {
    case "hub":
      await withHub(shell, globals, ({ ask }) =>
        deletion.call === "deleteCluster"
          ? ask("deleteCluster", { cluster: name, force })
          : ask("revokeToken", { name }),
      );
      break;
    case "store":
      await withStore(shell, globals, async (session) => {
        const store = await session.store();
        const deleted = await deleteStored(store, { kind, guard: deletion.refusal }, name);
        const held = await heldBy(store, kind, deleted, shell);
        if (held.length > 0) note(shell, `${kind.kind} "${name}" goes as soon as ${held.join(", ")} lets it.`);
      });
      break;
    case "nobody":
      throw new MeshError(
        "not-deletable",
        `${/^[AEIOU]/.test(kind.kind) ? "an" : "a"} ${kind.kind} is not deleted by hand: ${deletion.why}`,
        { retry: false },
      );
  }
  shell.out(`${kind.kind.toLowerCase()}/${name} deleted\n`);
}

/** Why an object must stay, if there is a reason. */
type Guard = Extract<KnownKind["deletion"], { readonly by: "store" }>["refusal"];

/**
 * Deletes an object from the store, unless its guard refuses; gives it as it was.
 * @throws MeshError `not-found`, naming those there are, and what the guard refuses it with
 */
export async function deleteStored(
  store: ResourceStore,
  { kind, guard }: { readonly kind: ResourceKind<StoredObject>; readonly guard: Guard },
  name: string,
): Promise<StoredObject> {
  // What the guard has judged is what is deleted: nobody may take an address while we find it free.
  return retryOnConflict(async () => {
    const object = await objectNamed(store, kind, name);
    const refusal = await guard?.(name, store);
    if (refusal !== undefined) throw new MeshError(refusal.code, refusal.message, { retry: false });
    await store.delete(kind, name, { resourceVersion: object.metadata.resourceVersion });
    return object;
  });
}
