import type { Command } from "commander";
import { InvalidArgumentError } from "commander";
import type { JoinAnswer } from "../../crds/wire/join.ts";
import { collect, collectPairs, readBits, verb } from "../command.ts";
import { globalsOf } from "../globals.ts";
import { renderOne } from "../output.ts";
import { note } from "../shell.ts";
import type { Shell } from "../shell.ts";

interface JoinOptions {
  readonly name?: string;
  readonly podCidr?: readonly string[];
  readonly allowedCidr?: readonly string[];
  readonly localCidr?: readonly string[];
  readonly family?: readonly (4 | 6)[];
  readonly prefixLength?: number;
  readonly label?: Readonly<Record<string, string>>;
}

/** `trestle join`: once a cluster. */
export function joinCommand(shell: Shell): Command {
  return verb(
    "join",
    "Join this cluster to a mesh. Once a cluster: the credential goes into the cluster's own store, where its agents read it. Said again with the same token, it gives the same answer.",
    [
      "trestle join east.token --store /var/lib/trestle/store/store.yaml",
      "trestle token create east --context hub | trestle join - --store store.yaml",
      "trestle join east.token --store store.yaml --pod-cidr 10.50.0.0/16      the cluster keeps the pod CIDR it has",
    ],
  )
    .argument("<token>", "join token: a file, - for standard input, or the token itself")
    .option("--name <cluster>", "the name you expect to join by; refused when the token is for another")
    .option("--pod-cidr <cidr>", "pod CIDR the cluster uses already; repeatable (none: the hub assigns)", collect)
    .option("--allowed-cidr <cidr>", "range the cluster may announce beside its pods; repeatable", collect)
    .option(
      "--local-cidr <cidr>",
      "range of its own LAN or Services, which no cluster may overlap; repeatable",
      collect,
    )
    .option("--family <4|6>", "address family to be assigned pods of; repeatable (default: 4)", families)
    .option("--prefix-length <n>", "length of the block to be assigned (default: the pool's)", readBits)
    .option("--label <key=value>", "label of the cluster, for links by selector; repeatable", collectPairs)
    .action(async (typed: string, options: JoinOptions, command: Command) => {
      const globals = globalsOf(command);
      const { joinCluster } = await import("../join-process.ts");
      const {
        userJWT: _jwt,
        renewJWT: _renewal,
        ...joined
      } = await joinCluster(shell, globals, {
        typed,
        expected: options.name,
        wishes: wishesOf(options),
      });
      shell.out(renderOne(shell, globals.output, joined, () => describe(joined)));
      note(
        shell,
        `Next: run \`trestle agent --cluster ${joined.cluster} --node NAME\` on each of its machines, one of them with --roles gateway,node.`,
      );
    });
}

function wishesOf(options: JoinOptions) {
  return {
    podCIDRs: [...(options.podCidr ?? [])],
    allowedCIDRs: [...(options.allowedCidr ?? [])],
    localCIDRs: [...(options.localCidr ?? [])],
    families: [...(options.family ?? [4 as const])],
    labels: { ...options.label },
    ...(options.prefixLength !== undefined && { prefixLength: options.prefixLength }),
  };
}

function describe({ cluster, number, podCIDRs, meshPrefixes }: Omit<JoinAnswer, "userJWT" | "renewJWT">): string {
  return `Joined as "${cluster}", cluster ${number}.\n  pod CIDRs      ${podCIDRs.join(", ")}\n  mesh prefixes  ${meshPrefixes.join(", ")}\n`;
}

function families(text: string, before: readonly (4 | 6)[] | undefined): (4 | 6)[] {
  return [
    ...(before ?? []),
    ...collect(text, undefined).map((word) => {
      if (word === "4" || word === "6") return Number(word) as 4 | 6;
      throw new InvalidArgumentError("a family is 4 or 6.");
    }),
  ];
}
