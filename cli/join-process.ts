import { readFile } from "node:fs/promises";
import type { JoinAnswer } from "../crds/wire/join.ts";
import { joinMesh } from "../member-agent/member/join.ts";
import type { JoinWishes } from "../member-agent/member/join.ts";
import { MeshError, messageOf } from "../platform/errors.ts";
import { decodeJoinToken } from "../platform/identity/join-token.ts";
import type { Globals } from "./globals.ts";
import { withMember } from "./member-session.ts";
import type { Shell } from "./shell.ts";

/** What was typed after `trestle join`. */
export interface JoinCall {
  /** A file, `-`, or the token itself. */
  readonly typed: string;
  /** Cluster name the caller insists on. */
  readonly expected: string | undefined;
  readonly wishes: Omit<JoinWishes, "cluster">;
}

/** Redeems a token into the store that `--store` names. @throws MeshError as `joinMesh` does, and for a token that can't be read */
export async function joinCluster(
  shell: Shell,
  globals: Globals,
  { typed, expected, wishes }: JoinCall,
): Promise<JoinAnswer> {
  const token = decodeJoinToken(await readToken(shell, typed));
  const cluster = expected ?? token.cluster;
  return withMember(shell, globals, ({ store, connect }) => joinMesh(store, connect, token, { ...wishes, cluster }));
}

async function readToken(shell: Shell, typed: string): Promise<string> {
  if (typed === "-") return shell.readStdin();
  if (/^\s*trestle\d+_/.test(typed)) return typed;
  return readFile(typed, "utf8").catch((cause: unknown) => {
    throw new MeshError(
      "bad-token",
      `"${typed.slice(0, 60)}" is neither a join token nor a file that can be read (${messageOf(cause)})`,
      { retry: false, cause },
    );
  });
}
