import { ledgerKind } from "../crds/ledger.ts";
import { EMPTY_LEDGER } from "../mesh/ledger.ts";
import type { Checked } from "../mesh/refusal.ts";
import type { LedgerSpec } from "../mesh/resources.ts";
import { accepted, hasCode } from "../platform/errors.ts";
import type { ResourceStore } from "../platform/store/port.ts";

/** The one Ledger object. */
const NAME = "mesh";


/** The ledger as it is now; empty before the first claim. */
export async function readLedger(store: ResourceStore): Promise<LedgerSpec> {
  return (await store.get(ledgerKind, NAME))?.spec ?? EMPTY_LEDGER;
}

/**
 * Changes the ledger by compare-and-swap: `change` is pure and runs again on what another writer left. So a hub that was
 * paused can't give a prefix out twice.
 * @throws MeshError with the refusal's code when `change` refuses
 */
export async function changeLedger<T extends { readonly ledger: LedgerSpec }>(
  store: ResourceStore,
  change: (ledger: LedgerSpec) => Checked<T>,
): Promise<T> {
  for (;;) {
    const present = await store.get(ledgerKind, NAME);
    const outcome = accepted(change(present?.spec ?? EMPTY_LEDGER));
    try {
      if (present === undefined) await store.create(ledgerKind, { metadata: { name: NAME }, spec: outcome.ledger });
      else await store.update(ledgerKind, { ...present, spec: outcome.ledger });
      return outcome;
    } catch (error) {
      if (!hasCode(error, "conflict") && !hasCode(error, "already-exists")) throw error;
    }
  }
}
