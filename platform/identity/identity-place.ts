import { MeshError, messageOf } from "../errors.ts";
import type { StateFolder } from "../state-folder.ts";
import type { IdentityPlace } from "./hub-identity.ts";

const FILE = "identity.json";

/**
 * Keeps a hub's identity in its state folder. Unlike other state, a file that can't be read stays where it is and stops
 * the hub: a new identity in its place would lock every member out.
 */
export function identityInFolder(folder: StateFolder): IdentityPlace {
  return {
    load: async () => {
      const text = await folder.readText(FILE);
      if (text === undefined) return undefined;
      try {
        return JSON.parse(text) as unknown;
      } catch (error) {
        const message = `${folder.path}/${FILE} is damaged (${messageOf(error)}); restore it from a backup`;
        throw new MeshError("bad-identity", message, { retry: false, cause: error });
      }
    },
    save: (identity) => folder.writeText(FILE, `${JSON.stringify(identity, undefined, 2)}\n`),
  };
}
