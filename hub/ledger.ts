import { ledgerKind } from "../crds/ledger.ts";
import { SINGLETON_NAME } from "../mesh/names.ts";
import type { Checked } from "../mesh/refusal.ts";
import type { Ledger, LedgerSpec } from "../mesh/resources.ts";
import { accepted, MeshError } from "../platform/errors.ts";
import { retryOnConflict } from "../platform/store/amend.ts";
import type { ResourceStore } from "../platform/store/port.ts";
import type { HubMemory, LedgerMark } from "./memory.ts";

/**
 * The ledger as the hub may act on it: changed by compare-and-swap alone, and not at all when it is not the one that this
 * hub remembers (docs/adr/0011).
 */
export class HubLedger {
  readonly #store: Pick<ResourceStore, "get" | "update">;
  readonly #memory: HubMemory;

  constructor(store: Pick<ResourceStore, "get" | "update">, memory: HubMemory) {
    this.#store = store;
    this.#memory = memory;
  }

  /** @throws MeshError `hub-amnesia` */
  async read(): Promise<LedgerSpec> {
    return (await this.#present()).spec;
  }

  /**
   * `change` is pure and runs again on what another writer left. So a hub that was paused can't give a prefix out twice.
   * @throws MeshError with the refusal's code when `change` refuses, `hub-amnesia`
   */
  async change<T extends { readonly ledger: LedgerSpec }>(change: (ledger: LedgerSpec) => Checked<T>): Promise<T> {
    return retryOnConflict(async () => {
      const present = await this.#present();
      const outcome = accepted(change(present.spec));
      const written = await this.#store.update(ledgerKind, { ...present, spec: outcome.ledger });
      await this.#memory.noteLedger(markOf(written));
      return outcome;
    });
  }

  async #present(): Promise<Ledger> {
    const present = await this.#store.get(ledgerKind, SINGLETON_NAME);
    const lost = lostPast(this.#memory.ledger, present && markOf(present));
    if (present === undefined || lost !== undefined) throw amnesia(lost ?? "it has no ledger", this.#memory.ledgerFile);
    await this.#memory.noteLedger(markOf(present));
    return present;
  }
}

/** Which ledger this is. */
function markOf({ metadata: { uid, generation } }: Ledger): LedgerMark {
  return { uid, generation };
}

/** Pure: what is missing of the ledger that was, if something is. */
export function lostPast(remembered: LedgerMark | undefined, present: LedgerMark | undefined): string | undefined {
  if (remembered === undefined) return undefined;
  const was = `it remembers a ledger at change ${remembered.generation}`;
  if (present === undefined) return `${was} and finds none`;
  if (present.uid !== remembered.uid) return `${was} and finds another one, at change ${present.generation}`;
  if (present.generation < remembered.generation) return `${was} and finds it at change ${present.generation}`;
  return undefined;
}

function amnesia(lost: string, file: string): MeshError {
  const message = `the hub gives out no prefix and takes none back: ${lost}, so its NATS lost what clusters were given. Restore NATS' JetStream folder from a newer backup; or remove ${file} and start the hub again, then every cluster that it does not know any more has to leave (trestle leave --force) and join again`;
  return new MeshError("hub-amnesia", message, { retry: false });
}
