import type { Command } from "commander";
import { InvalidArgumentError } from "commander";
import { readPodOwner } from "../../lab/pod-owner.ts";
import type { PodOwner } from "../../lab/pod-owner.ts";
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
  readonly owner?: PodOwner;
  readonly annotation?: Readonly<Record<string, string>>;
  readonly namespaceAnnotation?: Readonly<Record<string, string>>;
}

function add(shell: Shell): Command {
  return verb("add", "Add pods to the lab, all at once.", [
    "trestle lab pod add east/one",
    "trestle lab pod add east/two --node b",
    "trestle lab pod add east/web-0 east/web-1 --owner StatefulSet/web       their addresses stay theirs",
    "trestle lab pod add east/till --annotation trestle.dev/subnet=office    an address of the office's LAN",
  ])
    .argument("<cluster/pod...>", "where, and what they are called", collectPlaces)
    .option("--node <node>", "machine they run on (default: the cluster's first)")
    .option("--namespace <namespace>", "Kubernetes namespace they play to be in", "default")
    .option("--owner <kind/name>", "what they play to be a part of, e.g. StatefulSet/web", readOwner)
    .option("--annotation <key=value>", "annotation; repeatable", collectPairs)
    .option("--namespace-annotation <key=value>", "annotation of their namespace; repeatable", collectPairs)
    .addOption(nameOption())
    .action(async (places: readonly PodPlace[], { node, namespace, ...options }: AddOptions) => {
      const { addPods } = await import("../../lab/add-pods.ts");
      const lab = await chooseLab(shell, options);
      const { owner, annotation: annotations = {}, namespaceAnnotation: namespaceAnnotations } = options;
      const wish = {
        namespace: accepted(readName(namespace)),
        annotations,
        ...(node !== undefined && { node }),
        ...(owner && { owner }),
        ...(namespaceAnnotations && { namespaceAnnotations }),
      };
      for (const [cluster, own] of Map.groupBy(places, (place) => place.cluster)) {
        const wishes = own.map(({ pod }) => ({ ...wish, name: accepted(readName(pod)) }));
        for (const pod of await addPods(lab, cluster, wishes, shell.signal)) {
          note(shell, `${cluster}/${pod.name} is on ${pod.node}, with ${pod.addresses.join(" and ")}`);
        }
      }
    });
}

interface RemoveOptions extends LabOptions {
  readonly withOwner?: boolean;
  readonly force?: boolean;
}

function remove(shell: Shell): Command {
  return verb("remove", "Remove pods from the lab, with all that runs in them.", [
    "trestle lab pod remove east/one",
    "trestle lab pod remove east/web-0 east/web-1 --with-owner",
  ])
    .argument("<cluster/pod...>", "pods of `trestle lab show`", collectPlaces)
    .option("--with-owner", "what they are a part of is deleted, too: no address is kept for pods to come")
    .option("--force", "remove them although their agent does not run, or their network can't be given back")
    .addOption(nameOption())
    .action(async (places: readonly PodPlace[], { withOwner = false, force = false, ...options }: RemoveOptions) => {
      const { removePods } = await import("../../lab/remove-pods.ts");
      const lab = await chooseLab(shell, options);
      for (const [cluster, own] of Map.groupBy(places, (place) => place.cluster)) {
        const names = own.map(({ pod }) => pod);
        const undone = await removePods(lab, cluster, names, { withOwner, force }, shell.signal);
        for (const sentence of undone) note(shell, `left undone: ${sentence}`);
        for (const name of names) note(shell, `${cluster}/${name} is gone`);
      }
    });
}

function collectPlaces(text: string, before: readonly PodPlace[] = []): PodPlace[] {
  const [cluster, pod, ...rest] = text.split("/");
  if (!cluster || !pod || rest.length > 0) throw new InvalidArgumentError("Write it as CLUSTER/POD, e.g. east/web.");
  if (before.some((place) => place.cluster === cluster && place.pod === pod)) {
    throw new InvalidArgumentError("It is named twice.");
  }
  return [...before, { cluster, pod }];
}

function readOwner(text: string): PodOwner {
  const owner = readPodOwner(text);
  if (owner === undefined) throw new InvalidArgumentError("Write it as KIND/NAME, e.g. StatefulSet/web.");
  return owner;
}
