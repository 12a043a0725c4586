import { z } from "zod";
import { viewOfPages, viewPage } from "../../crds/wire/view.ts";
import type { Revision, View } from "../../mesh/resources.ts";
import { MeshError } from "../../platform/errors.ts";

/** A view as it was accepted, and which one it is. */
export interface Mail {
  readonly view: View;
  readonly revision: Revision;
}

/** What is kept on disk of an accepted view: word for word as it was signed, so that it is verified again after a reboot. */
export const keptMail = z.object({ signedHead: z.string(), pages: z.array(z.string()) });
export type KeptMail = z.infer<typeof keptMail>;

/**
 * Reads the pages of a verified head.
 * @throws MeshError `bad-view` when one does not parse or none is the member's own
 */
export function readView(pages: readonly string[]): View {
  const parsed = pages.map((page) => viewPage.safeParse(JSON.parse(page)));
  const fault = parsed.find((page) => !page.success);
  if (fault?.error !== undefined) {
    throw new MeshError("bad-view", `the hub's view does not parse: ${z.prettifyError(fault.error)}`, { retry: false });
  }
  const view = viewOfPages(parsed.flatMap((page) => page.data ?? []));
  if (view === undefined) throw new MeshError("bad-view", "the hub's view has no page of the member's own", { retry: false });
  return view;
}
