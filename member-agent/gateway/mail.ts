import { z } from "zod";
import { viewOfPages, viewPage } from "../../crds/wire/view.ts";
import type { PageOfView } from "../../crds/wire/view.ts";
import type { CredentialSpec, Revision } from "../../mesh/resources.ts";
import { soundEntries, soundRecord, withoutDoubles } from "../../mesh/view-faults.ts";
import type { ViewFault } from "../../mesh/view-faults.ts";
import type { View } from "../../mesh/view-records.ts";
import { MeshError } from "../../platform/errors.ts";
import { verifyStored } from "../../platform/mailbox/head.ts";
import type { Head, Pins, StoredView } from "../../platform/mailbox/head.ts";
import type { StateFolder } from "../../platform/state-folder.ts";

/** A view that was believed, and which one it is. */
export interface Mail {
  readonly view: View;
  readonly revision: Revision;
  /** What the view does not have of what was sent, because nothing could be made of it. */
  readonly faults: readonly ViewFault[];
}

/** A page as it is used, and what was left out of it. */
interface ReadPage extends PageOfView {
  readonly faults: readonly ViewFault[];
}

const FILE = "view.json";
const pageText = z
  .string()
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      context.addIssue("not JSON");
      return z.NEVER;
    }
  })
  .pipe(viewPage);
const storedView = z.object({ signedHead: z.string(), pages: z.array(z.string()) });

/** Whom a member believes, by its credential. */
export function pinsOf({ mesh, cluster: member, hubKey }: CredentialSpec): Pins {
  return { mesh, member, hubKey };
}

/** The last view this gateway accepted, as it was signed; it is verified again before it is used. */
export function readLastView(folder: StateFolder): Promise<StoredView | undefined> {
  return folder.read(FILE, storedView);
}

/** Kept before it is applied: a gateway never goes back behind what it once carried out. */
export async function writeLastView(folder: StateFolder, { signedHead, pages }: StoredView): Promise<void> {
  await folder.write(FILE, { signedHead, pages });
}

/** Forgets it, when the member leaves. */
export async function forgetLastView(folder: StateFolder): Promise<void> {
  await folder.remove(FILE);
}

/** True when the pinned hub signed this view for this member, whether or not this release can read it. */
export function isBelieved(stored: StoredView, pins: Pins): boolean {
  return verifyStored(stored, pins).accepted !== undefined;
}

/**
 * Reads views. A page that was in the view before gives the same objects again, for nearly all of a large view stays as
 * it was, and whoever compares with before sees it by their identity.
 */
export class ViewReader {
  /** By text: pages of the last view. */
  #pages: ReadonlyMap<string, ReadPage> = new Map();

  /**
   * What a view from disk says, if the pinned hub signed it for this member.
   * @throws MeshError `bad-view` when it is of a form that this release can't read
   */
  openStored(stored: StoredView, pins: Pins): Mail | undefined {
    const { accepted } = verifyStored(stored, pins);
    return accepted && this.open(accepted, stored.pages);
  }

  /**
   * Reads the pages of a head that was believed.
   * @throws MeshError `bad-view` when one does not parse or none is the member's own
   */
  open({ epoch, generation }: Head, texts: readonly string[]): Mail {
    const pages = new Map(texts.map((text) => [text, this.#pages.get(text) ?? readPage(text)]));
    const view = viewOfPages([...pages.values()]);
    if (view === undefined)
      throw new MeshError("bad-view", "the hub's view has no page of the member's own", { retry: false });
    this.#pages = pages;
    const { sound: entries, faults } = withoutDoubles(view.entries);
    return {
      view: { ...view, entries },
      revision: { epoch, generation },
      faults: [...[...pages.values()].flatMap((page) => page.faults), ...faults],
    };
  }
}

function readPage(text: string): ReadPage {
  const parsed = pageText.safeParse(text);
  if (!parsed.success)
    throw new MeshError("bad-view", `the hub's view does not parse: ${z.prettifyError(parsed.error)}`, {
      retry: false,
    });
  const self = parsed.data.self && soundRecord(parsed.data.self);
  const entries = soundEntries(parsed.data.entries);
  return { self: self?.sound, entries: entries.sound, faults: [...(self?.faults ?? []), ...entries.faults] };
}
