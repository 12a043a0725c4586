/**
 * Why something is not allowed. `code` is for programs (kebab-case, stable), `message` for the person who asked:
 * what was asked, what stands in the way and whose it is, and what to do instead.
 */
export interface Refusal {
  readonly code: RefusalCode;
  readonly message: string;
}

export type RefusalCode =
  | "bad-address"
  | "bad-cidr"
  | "host-bits-set"
  | "prefix-too-long"
  | "prefix-too-short"
  | "bad-name"
  | "bad-spec"
  | "immutable"
  | "cidr-overlap"
  | "pool-exhausted"
  | "numbers-exhausted"
  | "unknown-cluster"
  | "link-conflict"
  | "vxlan-behind-nat"
  | "name-taken"
  | "rank-taken"
  | "key-taken"
  | "in-use"
  | "bad-range"
  | "unknown-network"
  | "overlay-exists"
  | "selector-overlap"
  | "outside-pod-cidrs"
  | "bad-annotation"
  | "contradiction"
  | "unknown-subnet"
  | "no-subnet"
  | "wrong-node"
  | "excluded"
  | "not-reserved"
  | "not-withheld";

/** Either a value or the reason there is none: how the pure heart says no without throwing. */
export type Checked<T> =
  | { readonly value: T; readonly refusal?: never }
  | { readonly refusal: Refusal; readonly value?: never };

/** Makes the refusing half of a {@link Checked}. */
export function refuse(code: RefusalCode, message: string): { readonly refusal: Refusal } {
  return { refusal: { code, message } };
}
