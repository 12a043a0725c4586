import type { Command } from "commander";
import { InvalidArgumentError } from "commander";
import { readName } from "../../mesh/names.ts";
import { accepted } from "../../platform/errors.ts";
import { collectPairs, noun, verb } from "../command.ts";
import { note } from "../shell.ts";
import type { Shell } from "../shell.ts";
import { chooseLab, nameOption } from "./lab-options.ts";
import type { LabOptions } from "./lab-options.ts";

/** `trestle lab pod …` */
export function podCommand(shell: Shell): Command {
  return noun("pod")
    .description("Add pods to a running lab, and remove them")
    .addCommand(add(shell))
    .addCommand(remove(shell));
}

interface PodPlace {
  readonly cluster: string;
  readonly pod: string;
}

interface AddOptions extends LabOptions {
  readonly node?: string;
  readonly namespace: string;
  readonly owner?: string;
  readonly annotation?: Readonly<Record<string, string>>;
}

function add(shell: Shell): Command {
  return verb("add", "Add a pod to a cluster of the lab.", [
    "trestle lab pod add east/one",
    "trestle lab pod add east/two --node b",
  ])
    .argument("<cluster/pod>", "where, and what it is called", readPlace)
    .option("--node <node>", "machine it runs on (default: the cluster's first)")
    .option("--namespace <namespace>", "Kubernetes namespace it plays to be in", "default")
    .option("--owner <kind/name>", "what it plays to be a part of, e.g. Deployment/web", readOwner)
    .option("--annotation <key=value>", "annotation; repeatable", collectAnnotation)
    .addOption(nameOption())
    .action(async (place: PodPlace, { node, namespace, owner, annotation, ...options }: AddOptions) => {
      const { addPod } = await import("../../lab/add-pod.ts");
      const lab = await chooseLab(shell, options);
      const { cluster, pod: name } = place;
      const request = {
        cluster,
        name: accepted(readName(name)),
        namespace: accepted(readName(namespace)),
        annotations: annotation ?? {},
        ...(owner !== undefined && { owner }),
      };
      const pod = await addPod(lab, request, node, shell.signal);
      note(shell, `${cluster}/${name} is on ${pod.node}, with ${pod.addresses.join(" and ")}`);
    });
}

function remove(shell: Shell): Command {
  return verb("remove", "Remove a pod from the lab, with all that runs in it.", ["trestle lab pod remove east/one"])
    .argument("<cluster/pod>", "pod of `trestle lab show`", readPlace)
    .addOption(nameOption())
    .action(async ({ cluster, pod }: PodPlace, options: LabOptions) => {
      const { removePod } = await import("../../lab/pods.ts");
      await removePod(await chooseLab(shell, options), cluster, pod, shell.signal);
      note(shell, `${cluster}/${pod} is gone`);
    });
}

function readPlace(text: string): PodPlace {
  const [cluster, pod, ...rest] = text.split("/");
  if (!cluster || !pod || rest.length > 0) throw new InvalidArgumentError("Write it as CLUSTER/POD, e.g. east/web.");
  return { cluster, pod };
}

function readOwner(text: string): string {
  const [kind, name, ...rest] = text.split("/");
  if (!kind || !name || rest.length > 0) throw new InvalidArgumentError("Write it as KIND/NAME, e.g. Deployment/web.");
  if (kind === "StatefulSet")
    throw new InvalidArgumentError("Addresses that stay with a StatefulSet come with a later release.");
  return text;
}

function collectAnnotation(text: string, before?: Readonly<Record<string, string>>): Record<string, string> {
  if (text.startsWith("trestle.dev/"))
    throw new InvalidArgumentError("Choosing networks and addresses comes to the lab with a later release.");
  return collectPairs(text, before);
}
