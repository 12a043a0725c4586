import { MeshError } from "../platform/errors.ts";
import { retryOnConflict } from "../platform/store/amend.ts";
import type { Globals } from "./globals.ts";
import { kindNamed } from "./kinds/registry.ts";
import type { KnownKind } from "./kinds/known-kind.ts";
import { withHub, withStore } from "./session.ts";
import { objectNamed } from "./show.ts";
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
      await deleteStored(shell, globals, known, deletion.refusal, name);
      break;
    case "nobody":
      throw new MeshError("not-deletable", `a ${kind.kind} is not deleted by hand: ${deletion.why}`, { retry: false });
  }
  shell.out(`${kind.kind.toLowerCase()}/${name} deleted\n`);
}

type Guard = Extract<KnownKind["deletion"], { readonly by: "store" }>["refusal"];

async function deleteStored(
  shell: Shell,
  globals: Globals,
  { kind }: KnownKind,
  guard: Guard,
  name: string,
): Promise<void> {
  await withStore(shell, globals, async (session) => {
    const store = await session.store();
    // What the guard has judged is what is deleted: nobody may take an address while we find it free.
    await retryOnConflict(async () => {
      const { resourceVersion } = (await objectNamed(store, kind, name)).metadata;
      const refusal = await guard?.(name, store);
      if (refusal !== undefined) throw new MeshError(refusal.code, refusal.message, { retry: false });
      await store.delete(kind, name, { resourceVersion });
    });
  });
}
