/** One fault of a lab file that no single field can tell: where it is, by key, and what to do. */
export interface Fault {
  readonly path: readonly (string | number)[];
  readonly message: string;
}
