/** What a pod plays to be a part of. */
export interface PodOwner {
  readonly kind: string;
  readonly name: string;
}

/** Of `StatefulSet/web`, as people write it; undefined of what is not written so. */
export function readPodOwner(text: string): PodOwner | undefined {
  const [, kind, name] = /^([A-Z][A-Za-z0-9]*)\/([a-z0-9][a-z0-9.-]*)$/.exec(text) ?? [];
  return kind !== undefined && name !== undefined ? { kind, name } : undefined;
}
