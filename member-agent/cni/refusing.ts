import { CNI_CODES, CNIError } from "./cni-error.ts";
import type { CNICommands } from "./serve.ts";

/**
 * What a runtime is told while the node's book can't be read: nothing may be given that may be given already, nor taken
 * back that is not known. Its pods keep their networks.
 * @param why for a person, with what to do
 */
export function refusing(why: string): CNICommands {
  const refuse = (code: number) => (): Promise<never> => Promise.reject(new CNIError(code, why));
  const later = refuse(CNI_CODES.tryAgainLater);
  return { add: later, del: later, check: later, gc: later, status: refuse(CNI_CODES.notAvailable) };
}
