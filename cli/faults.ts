import { MeshError } from "../platform/errors.ts";

/** Something that must be put right first: a code for programs, a sentence for people. */
export interface WordFault {
  readonly code: string;
  readonly message: string;
}

/**
 * Ends a command whose words are at fault, before it has written anything; without faults it does nothing.
 * @throws MeshError all of them, under the first one's code
 */
export function refuseFaults(faults: readonly WordFault[]): void {
  const [first] = faults;
  if (first === undefined) return;
  const messages = faults.map(({ message }) => message);
  const text =
    messages.length === 1
      ? `${first.message}; nothing was changed`
      : [`${messages.length} faults, nothing was changed:`, ...messages].join("\n  ");
  throw new MeshError(first.code, text, { retry: false });
}

/** Field of an object's spec, and how the command line calls it. */
const OPTIONS: Readonly<Record<string, string>> = {
  network: "--network",
  cidr: "--cidr",
  range: "--range",
  gateway: "--gateway",
  excludeIPs: "--exclude",
  reservedIPs: "--reserve",
  blockSize: "--block-size",
  nodeSelector: "--node-selector",
};

/** What a kind says of its fields, in the words that were typed: `spec.excludeIPs[0]: …` is `--exclude: …`. */
export function inTypedWords({ code, message }: WordFault): WordFault {
  const typed = message
    .replace(/^metadata\.name: /, "")
    .replace(/^spec\.(\w+)[^:]*(?=: )/, (path, field: string) => OPTIONS[field] ?? path);
  return { code, message: typed };
}
