import type { Checked } from "../mesh/refusal.ts";
import { MeshError } from "../platform/errors.ts";

/** The value, or the refusal thrown as the MeshError it is to whoever typed the command. */
export function must<T>(checked: Checked<T>): T {
  if (checked.refusal === undefined) return checked.value;
  throw new MeshError(checked.refusal.code, checked.refusal.message, { retry: false });
}
