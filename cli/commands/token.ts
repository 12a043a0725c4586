import type { Command } from "commander";
import { InvalidArgumentError } from "commander";
import { formatCidr } from "../../mesh/cidr.ts";
import { readName } from "../../mesh/names.ts";
import { readCidr } from "../../mesh/typed-cidr.ts";
import { accepted } from "../../platform/errors.ts";
import { collect, noun, verb } from "../command.ts";
import { isData } from "../format.ts";
import { globalsOf } from "../globals.ts";
import { tokenColumns } from "../kinds/token.ts";
import { renderOne } from "../output.ts";
import { note } from "../shell.ts";
import type { Shell } from "../shell.ts";
import { age, readDuration } from "../time.ts";

/** `trestle token …`: the right to join, once, as one named cluster. */
export function tokenCommand(shell: Shell): Command {
  return noun("token").addCommand(create(shell)).addCommand(list(shell)).addCommand(revoke(shell));
}

interface CreateOptions {
  readonly podCidr?: readonly string[];
  readonly ttl: number;
}

function create(shell: Shell): Command {
  return verb(
    "create",
    "Make a join token: the one line on standard output. It is shown once, works once, for this cluster alone, and can do nothing but join.",
    [
      "trestle token create east > east.token",
      "trestle token create east --ttl 1h | ssh east-1 trestle join - --store /var/lib/trestle/store/store.yaml",
      "trestle token create west --pod-cidr 10.50.0.0/16      west keeps the pod CIDR it has",
    ],
  )
    .argument("<cluster>", "name the cluster will join by")
    .option("--pod-cidr <cidr>", "pod CIDR the cluster may declare; repeatable (none: the hub assigns)", collect)
    .option("--ttl <span>", "how long it can be used: 30m, 24h, 7d", ttl, 24 * 3_600)
    .action(async (cluster: string, options: CreateOptions, command: Command) => {
      const globals = globalsOf(command);
      const podCIDRs = (options.podCidr ?? []).map((typed) => formatCidr(accepted(readCidr(typed))));
      const request = { cluster: accepted(readName(cluster)), podCIDRs, ttlSeconds: options.ttl };
      const { withHub } = await import("../session.ts");
      const made = await withHub(shell, globals, ({ ask }) => ask("createToken", request));
      shell.out(renderOne(shell, globals.output, made, () => `${made.token}\n`));
      if (!isData(globals.output))
        note(shell, `Token ${made.name} for cluster "${cluster}" works once, for ${age(options.ttl * 1_000)}.`);
    });
}

function ttl(text: string): number {
  const { value, refusal } = readDuration(text);
  if (refusal !== undefined) throw new InvalidArgumentError(refusal.message);
  return value;
}

function list(shell: Shell): Command {
  return verb("list", "List join tokens: which are usable, used or expired. The secret itself is stored nowhere.", [
    "trestle token list -o wide",
  ])
    .option("-w, --watch", "keep showing them as they change")
    .action(async ({ watch }: { readonly watch?: true }, command: Command) => {
      const { listHubKind } = await import("../list.ts");
      const { joinTokenKind } = await import("../../crds/join-token.ts");
      const empty = "There are no join tokens; `trestle token create CLUSTER` makes one.";
      const listed = { kind: joinTokenKind, columns: tokenColumns };
      await listHubKind(shell, globalsOf(command), listed, { watch: watch === true, empty });
    });
}

function revoke(shell: Shell): Command {
  return verb("revoke", "Revoke a join token. A cluster that has joined by it stays joined.", [
    "trestle token revoke east-7k2m",
  ])
    .argument("<name>", "token of `trestle token list`")
    .action(async (name: string, _, command: Command) => {
      const { withHub } = await import("../session.ts");
      await withHub(shell, globalsOf(command), ({ ask }) => ask("revokeToken", { name: accepted(readName(name)) }));
      shell.out(`jointoken/${name} revoked\n`);
    });
}
