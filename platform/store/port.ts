/**
 * The port to where resources live. Two adapters pass one conformance suite (`conformance.ts`): `embedded`
 * (JetStream KV, served by `trestle store` or the hub) and, later, `kubernetes`.
 */

/** The shape every stored object has; the concrete types are mesh's `Resource<…>`. */
export interface StoredObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly generation: number;
    readonly creationTimestamp: string;
    readonly deletionTimestamp?: string | undefined;
    readonly finalizers: readonly string[];
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  };
  readonly spec: unknown;
  readonly status: unknown;
}

/** What a writer gives: identity and history are the store's to fill in. */
export interface Draft<T extends StoredObject> {
  readonly metadata: {
    readonly name: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly finalizers?: readonly string[];
  };
  readonly spec: T["spec"];
  /** Absent: the kind's empty status. */
  readonly status?: T["status"];
}

/** One kind, as the composition root hands it to an adapter. */
export interface ResourceKind<T extends StoredObject> {
  readonly kind: T["kind"];
  /** Lower case plural, the kind's collection: `clusterlinks`. */
  readonly plural: string;
  readonly apiVersion: string;
  /** The status a new object starts with. */
  readonly emptyStatus: T["status"];
  /** Decoded JSON to a value of this kind; throws an Error that names the field and the fault (the store makes it a MeshError `bad-object`). */
  parse(value: unknown): T;
  /**
   * Admission, run by the store before a create or a change of spec: the reason the write must not be, if there is one
   * (the store throws it as MeshError). `previous` is absent for a create. `peers` reads other objects of the same store.
   */
  admit?(
    object: T,
    previous: T | undefined,
    peers: ResourceReader,
  ): Promise<{ readonly code: string; readonly message: string } | undefined>;
}

export interface ResourceReader {
  /** Undefined when there is none. */
  get<T extends StoredObject>(kind: ResourceKind<T>, name: string): Promise<T | undefined>;
  /** Sorted by name. */
  list<T extends StoredObject>(kind: ResourceKind<T>): Promise<readonly T[]>;
}

export type Change<T extends StoredObject> =
  | { readonly op: "put"; readonly name: string; readonly object: T }
  | { readonly op: "delete"; readonly name: string };

export interface Watch<T extends StoredObject> {
  /** Resolves after the first full list was delivered; rejects if the signal aborts before. */
  readonly synced: Promise<void>;
  /** What the watch knows now, by name: a level, always whole. */
  readonly objects: ReadonlyMap<string, T>;
  /**
   * Resolves once all that the store held when this was called was delivered, though messages of it were lost or are
   * late. Costs what was written since the last list, not what there is; however many call at a time.
   * @throws MeshError of the store (retry), `aborted`
   */
  catchUp(): Promise<void>;
  /** Settles when the watch has fully stopped, after its signal aborted. */
  readonly done: Promise<void>;
}

export interface ResourceStore extends ResourceReader {
  /** Throws `already-exists`. */
  create<T extends StoredObject>(kind: ResourceKind<T>, draft: Draft<T>): Promise<T>;
  /**
   * Writes metadata (labels, annotations, finalizers) and spec of `object`; its status is ignored. Throws `not-found`, or `conflict` (retry) when its
   * resourceVersion is no longer the present one. Writing what is already there is no write.
   * Removing the last finalizer of an object that is being deleted deletes it.
   */
  update<T extends StoredObject>(kind: ResourceKind<T>, object: T): Promise<T>;
  /** Writes only `object.status`, same errors. */
  updateStatus<T extends StoredObject>(kind: ResourceKind<T>, object: T): Promise<T>;
  /**
   * Deletes, or with finalizers sets deletionTimestamp and leaves the rest to their owners. Deleting what is not there
   * throws `not-found`. With `resourceVersion`, throws `conflict` when it is no longer that.
   */
  delete<T extends StoredObject>(
    kind: ResourceKind<T>,
    name: string,
    precondition?: { readonly resourceVersion: string },
  ): Promise<void>;
  /**
   * Calls `onChange` for every object there is, then for every change, in order per object, until `signal` aborts.
   * A change may be skipped when a later one of the same object is delivered; an event lost on the way is repaired by
   * a periodic list. Store unreachable: keeps trying, says so in the log, delivers the difference when it is back.
   */
  watch<T extends StoredObject>(
    kind: ResourceKind<T>,
    onChange: (change: Change<T>) => void,
    signal: AbortSignal,
  ): Watch<T>;
}
