import { readName } from "../mesh/names.ts";
import type { ClusterLinkSpec, ClusterSelection } from "../mesh/resources.ts";
import { accepted } from "../platform/errors.ts";

/** What `link create` was told about who takes part: each a list of words, a name or `key=value` each. */
export interface LinkWords {
  readonly members?: readonly string[] | undefined;
  readonly selector?: readonly string[] | undefined;
  readonly from?: readonly string[] | undefined;
  readonly to?: readonly string[] | undefined;
}

/** Why the words do not go together: shown as a usage error. */
export class WordsDisagree extends Error {}

/**
 * Full mesh from `--members` and `--selector`, hub-and-spoke from `--from` and `--to`.
 * @throws WordsDisagree, and MeshError `bad-name` or `bad-spec` for a word that is neither
 */
export function readLinkWords({
  members,
  selector,
  from,
  to,
}: LinkWords): Pick<ClusterLinkSpec, "members" | "from" | "to"> {
  const among = [...(members ?? []), ...(selector ?? [])];
  const isSpoked = from !== undefined || to !== undefined;
  if (among.length > 0 && isSpoked)
    throw new WordsDisagree("give --members or --selector, or --from and --to, not both");
  if (isSpoked) {
    if (!from?.length || !to?.length) throw new WordsDisagree("--from and --to go together");
    return { from: readSelection(from), to: readSelection(to) };
  }
  if (among.length === 0)
    throw new WordsDisagree("say who: --members a,b,… or --selector key=value, or --from … --to …");
  const selection = readSelection(among);
  if (selection.matchLabels === undefined && (selection.names?.length ?? 0) < 2) {
    throw new WordsDisagree(
      `a link needs at least two clusters, and --members names only ${selection.names?.join(", ")}`,
    );
  }
  return { members: selection };
}

/** Words with `=` are labels, the others names; what is said twice counts once. */
function readSelection(words: readonly string[]): ClusterSelection {
  const labels = words.filter((word) => word.includes("="));
  const names = words.filter((word) => !word.includes("=")).map((word) => accepted(readName(word)));
  return {
    ...(names.length > 0 && { names: [...new Set(names)] }),
    ...(labels.length > 0 && { matchLabels: readLabels(labels) }),
  };
}

function readLabels(words: readonly string[]): Readonly<Record<string, string>> {
  const labels = new Map<string, string>();
  for (const word of words) {
    const at = word.indexOf("=");
    const key = word.slice(0, at);
    const value = word.slice(at + 1);
    if ((labels.get(key) ?? value) !== value) {
      throw new WordsDisagree(
        `no cluster carries both ${key}=${labels.get(key)} and ${word}; all labels given must match`,
      );
    }
    labels.set(key, value);
  }
  return Object.fromEntries(labels);
}
