import type { Refusal } from "./refusal.ts";

/** Why a spec can't become this one (`immutable`): a field that must stay has changed. */
export function immutableRefusal<Spec extends object>(
  before: Spec,
  after: Spec,
  fields: readonly (keyof Spec & string)[],
): Refusal | undefined {
  const changed = fields.find((field) => JSON.stringify(before[field]) !== JSON.stringify(after[field]));
  return changed === undefined
    ? undefined
    : {
        code: "immutable",
        message: `spec.${changed} can't be changed (it is ${JSON.stringify(before[changed])}); delete the object and make another`,
      };
}
