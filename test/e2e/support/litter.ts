import { observeMachine } from "../../../scripts/leftovers/machine.ts";
import type { TestLab } from "./test-lab.ts";

/** Names of the links in this machine's own network namespace. */
export function hostLinks(): readonly string[] {
  return observeMachine().links;
}

/**
 * What there is of a lab on this machine, one line each, told from what others do here by its name and by the mark that
 * everything it started carries.
 * @param before the machine's own links before the lab: it adds none
 */
export function litterOf({ name, mark }: TestLab, before: readonly string[]): string[] {
  const { processes, namespaces, links, mounts, state } = observeMachine();
  return [
    ...processes.filter(({ run }) => run === mark).map(({ pid, command }) => `process ${pid}: ${command}`),
    ...namespaces.filter((each) => each.startsWith(`${name}-`)).map((each) => `namespace ${each}`),
    ...links.filter((each) => !before.includes(each)).map((each) => `link ${each}`),
    ...mounts.filter((each) => each.includes(`/${name}`)).map((each) => `mount ${each}`),
    ...state.filter((each) => each.endsWith(`/${name}`)).map((each) => `state ${each}`),
  ];
}
