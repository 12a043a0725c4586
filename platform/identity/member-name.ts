import { MeshError } from "../errors.ts";

// RFC 1123, section 2.1, in lower case.
const DNS_LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/**
 * Permissions are cut by this name, put into subjects as it is: a member named `*` would read everybody's mail. So the
 * last hand before a credential is signed looks again.
 * @throws MeshError `bad-name`
 */
export function checkName(name: string, what: "member" | "join token"): void {
  if (DNS_LABEL.test(name)) return;
  const rule = "lower case letters, digits and dashes, 63 at most, a letter or digit at both ends";
  throw new MeshError(
    "bad-name",
    `no credential for a ${what} named ${JSON.stringify(name)}: a name is a DNS label (${rule})`,
    {
      retry: false,
    },
  );
}
