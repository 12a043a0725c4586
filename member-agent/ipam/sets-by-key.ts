/** Sets of values found by key. A key without values takes no room: there are ever new ones. */
export class SetsByKey<K, V> {
  readonly #sets = new Map<K, Set<V>>();

  /** Keys that have values. */
  get size(): number {
    return this.#sets.size;
  }

  /** What a key has, in the order in which it came. */
  get(key: K): readonly V[] {
    return [...(this.#sets.get(key) ?? [])];
  }

  add(key: K, value: V): void {
    this.#sets.set(key, (this.#sets.get(key) ?? new Set()).add(value));
  }

  delete(key: K, value: V): void {
    const set = this.#sets.get(key);
    set?.delete(value);
    if (set?.size === 0) this.#sets.delete(key);
  }
}
