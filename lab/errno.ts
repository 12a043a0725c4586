/** True when a thrown thing is a system error with this code, e.g. ENOENT. */
export function hasErrnoCode(error: unknown, code: string): boolean {
  // Not by instanceof: where tests run, node's own errors come from another realm.
  return typeof error === "object" && error !== null && "code" in error && error.code === code;
}
