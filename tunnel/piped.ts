import type { Run } from "../platform/run.ts";

/**
 * Constant, so nothing is ever quoted into it: program and arguments arrive as positional parameters. A time limit ends
 * the shell alone, so the kernel ends the program along with it (PR_SET_PDEATHSIG of prctl(2)): what was reported as
 * failed must not be done later.
 */
const PIPE = 'cat | exec setpriv --pdeathsig KILL -- "$0" "$@"';

/**
 * Runs a program that opens `/dev/stdin` by name (`wg set … private-key /dev/stdin`, `nft -f -`). Node hands its
 * children a socket as standard input, and a socket can't be opened by name (ENXIO), so `cat` makes a pipe of it.
 */
export async function runPiped(run: Run, program: string, args: readonly string[], stdin: string): Promise<string> {
  return run("sh", ["-c", PIPE, program, ...args], { stdin });
}
