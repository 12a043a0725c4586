import { MeshError } from "../errors.ts";
import type { ResourceKind, StoredObject } from "./port.ts";

/**
 * Key of an object: `<plural>.<name>`. Names are DNS subdomains (RFC 1123), as on Kubernetes; anything else could be a
 * wildcard or reach into another kind.
 * @throws MeshError `bad-name`
 */
export function objectKey<T extends StoredObject>(kind: ResourceKind<T>, name: string): string {
  if (name.length > 253 || !name.split(".").every((label) => LABEL.test(label))) {
    const rule = "use lower case letters, digits and dashes, with dots between labels of at most 63";
    throw new MeshError("bad-name", `"${name}" can't name a ${kind.kind}: ${rule}`, { retry: false });
  }
  return `${kind.plural}.${name}`;
}

const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
