/**
 * The one error type. `code` is kebab-case and stable, `message` says what was tried, what was found and what to do;
 * `retry` tells the loop that caught it whether waiting can help.
 */
export class MeshError extends Error {
  readonly code: string;
  readonly retry: boolean;

  constructor(code: string, message: string, { retry, cause }: { retry: boolean; cause?: unknown }) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "MeshError";
    this.code = code;
    this.retry = retry;
  }
}

/** The sentence in any thrown thing, for logs and for the end of our own sentences. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** True when `error` is a {@link MeshError} with this code. */
export function hasCode(error: unknown, code: string): error is MeshError {
  return error instanceof MeshError && error.code === code;
}

/**
 * The value, or the refusal thrown as the error it is for whoever asked. Fits mesh's `Checked` by its shape, for platform
 * imports nothing of mesh.
 */
export function accepted<T>(
  checked:
    | { readonly value: T; readonly refusal?: never }
    | { readonly refusal: { readonly code: string; readonly message: string }; readonly value?: never },
): T {
  if (checked.refusal !== undefined)
    throw new MeshError(checked.refusal.code, checked.refusal.message, { retry: false });
  return checked.value;
}
