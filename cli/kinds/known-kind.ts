import type { Refusal } from "../../mesh/refusal.ts";
import type { ResourceKind, ResourceReader, StoredObject } from "../../platform/store/port.ts";
import type { Columns } from "./columns.ts";

/** How an object of a kind goes away: from the store, by the hub (whose ledger and credentials hang on it), or not by hand. */
export type Deletion =
  | { readonly by: "store"; refusal?(name: string, peers: ResourceReader): Promise<Refusal | undefined> }
  | { readonly by: "hub"; readonly call: "deleteCluster" | "revokeToken" }
  | { readonly by: "nobody"; readonly why: string };

/** A kind as the CLI knows it. Kinds that hold secrets are not among them. */
export interface KnownKind<T extends StoredObject = StoredObject> {
  readonly kind: ResourceKind<T>;
  readonly place: "hub" | "member";
  /** Words for it besides its kind and plural. */
  readonly aliases: readonly string[];
  readonly columns: Columns<T>;
  /** What a list is sorted by, from an object's name; absent: the name. */
  readonly order?: (name: string) => string;
  /** The object's name, from the word that people call it by; absent: the name is that word. */
  readonly nameOf?: (word: string) => string;
  /** Whether its spec is a person's to write; else why not. */
  readonly authored: true | string;
  readonly deletion: Deletion;
}

/** Keeps the columns and the kind of one entry to the same type, then forgets which. */
export function known<T extends StoredObject>(entry: KnownKind<T>): KnownKind {
  return entry;
}
