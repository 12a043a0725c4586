import type { Change, StoredObject } from "./port.ts";

/** What one entry means to a watch; `unreadable` is an object that its kind can't parse. */
export type Seen<T> = { readonly put: T } | "deleted" | "unreadable";

/**
 * What a watch knows: the newest state of each name it was shown, in whatever order it was shown. Older states than the
 * one it has are turned away, so that changes come in order whether they arrive by list, by message or by both.
 */
export class WatchedLevel<T extends StoredObject> {
  readonly objects = new Map<string, T>();
  /** Sequence of the newest entry by name, of deleted names too: a late message must not raise the dead. */
  readonly #sequences = new Map<string, number>();
  #settled = 0;
  #highest = 0;

  /** The highest sequence it was shown since it last forgot. */
  get highest(): number {
    return this.#highest;
  }

  /** Takes in one entry, and returns the change it makes, if it makes one. */
  observe(name: string, sequence: number, seen: Seen<T>): Change<T> | undefined {
    if (sequence <= (this.#sequences.get(name) ?? 0)) return undefined;
    this.#sequences.set(name, sequence);
    this.#highest = Math.max(this.#highest, sequence);
    if (seen === "unreadable") return undefined;
    if (seen === "deleted") return this.objects.delete(name) ? { op: "delete", name } : undefined;
    this.objects.set(name, seen.put);
    return { op: "put", name, object: seen.put };
  }

  /** The sequences are of a stream that is no more: whatever comes next is newer than all of them. */
  forgetSequences(): void {
    this.#sequences.clear();
    this.#settled = 0;
    this.#highest = 0;
  }

  /**
   * Takes in that a whole list, begun when the stream had reached `reached`, showed `names` and no others: returns the
   * deletions of what it did not show.
   */
  settle(names: ReadonlySet<string>, reached: number): readonly Change<T>[] {
    const gone = [...this.objects.keys()].filter(
      (name) => !names.has(name) && (this.#sequences.get(name) ?? 0) <= reached,
    );
    for (const name of gone) this.objects.delete(name);
    // Messages of before the last list can't be under way any more.
    for (const [name, sequence] of this.#sequences) {
      if (sequence <= this.#settled && !this.objects.has(name)) this.#sequences.delete(name);
    }
    this.#settled = reached;
    return gone.map((name) => ({ op: "delete", name }) as const);
  }
}
