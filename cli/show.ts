import { MeshError } from "../platform/errors.ts";
import type { ResourceKind, StoredObject } from "../platform/store/port.ts";
import type { Globals } from "./globals.ts";
import { renderOne } from "./output.ts";
import type { Look } from "./output.ts";
import { withHub } from "./session.ts";
import type { Shell } from "./shell.ts";

/** Shows one object of the hub, drawn by `describe` unless data is wanted. @throws MeshError `not-found`, naming those there are */
export async function showHubObject<T extends StoredObject>(
  shell: Shell,
  globals: Globals,
  kind: ResourceKind<T>,
  name: string,
  describe: (object: T, look: Look) => string,
): Promise<void> {
  const object = await withHub(shell, globals, async ({ store }) => {
    const open = await store();
    const found = await open.get(kind, name);
    if (found === undefined)
      throw notFound(
        kind,
        name,
        (await open.list(kind)).map(({ metadata }) => metadata.name),
      );
    return found;
  });
  shell.out(renderOne(shell, globals.output, object, (look) => describe(object, look)));
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
