interface Aged {
  readonly metadata: { readonly name: string; readonly creationTimestamp: string };
}

/**
 * The elder of two objects comes first, of those of one instant the one whose name does: of two that collide the younger
 * is at fault, whoever looks. Times are of one store, hence of one spelling, and compared as texts.
 */
export function byAge({ metadata: one }: Aged, { metadata: other }: Aged): number {
  return compareText(one.creationTimestamp, other.creationTimestamp) || compareText(one.name, other.name);
}

function compareText(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
