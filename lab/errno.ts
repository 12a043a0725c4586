/** True when a thrown thing is a system error with this code, e.g. ENOENT. */
export function hasErrnoCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
