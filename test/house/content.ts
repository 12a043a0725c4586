import type { SourceFile } from "./source.ts";

/** Pictures of the documentation are the only binary files a source tree needs. */
const PICTURE = /^docs\/.*\.(png|svg)$/;

/** What must not be in a text, and why. Every pattern is bounded, so that long generated lines stay cheap. */
const FORBIDDEN: readonly { readonly pattern: RegExp; readonly found: string }[] = [
  { pattern: /-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----\s*[A-Za-z0-9+/]{20}/, found: "a private key" },
  { pattern: /\bS[OANUCX][A-Z2-7]{56}\b/, found: "a NATS seed" },
  { pattern: /\beyJ[\w-]{20,2000}\.eyJ[\w-]{20,4000}\.[\w-]{20}/, found: "a signed credential (JWT)" },
  { pattern: /(?<![\w./~-])\/(work|root|home\/\w+)\/\w/, found: "a path of somebody's machine" },
];

/** Binaries, secrets and paths of one machine, one sentence each. */
export function contentViolations(files: readonly SourceFile[]): string[] {
  return files
    .filter(({ path }) => !PICTURE.test(path))
    .flatMap(({ path, text }) => {
      if (text.includes("\0")) return [`${path} is a binary file`];
      return FORBIDDEN.filter(({ pattern }) => pattern.test(text)).map(({ found }) => `${path} holds ${found}`);
    });
}
