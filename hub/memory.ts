import path from "node:path";
import { z } from "zod";
import { openGate } from "../platform/mailbox/gate.ts";
import type { StateFolder } from "../platform/state-folder.ts";

const termRecord = z.object({ term: z.int().min(0) });
const ledgerMark = z.object({ uid: z.string(), generation: z.int().min(1) });

/** Which ledger it was, and how far it had come. */
export type LedgerMark = Readonly<z.infer<typeof ledgerMark>>;

const TERM_FILE = "term.json";
const LEDGER_FILE = "ledger.json";

/**
 * What the hub's own folder remembers of what lies in NATS, for the day that NATS comes back without it: the highest term
 * there was, and how far the ledger had come. Neither goes back.
 */
export class HubMemory {
  readonly #folder: StateFolder;
  readonly #inTurn = openGate(1);
  #term: number;
  #ledger: LedgerMark | undefined;

  private constructor(folder: StateFolder, term: number, ledger: LedgerMark | undefined) {
    this.#folder = folder;
    this.#term = term;
    this.#ledger = ledger;
  }

  /** @throws MeshError `state-corrupt`: what can't be read is not taken for what never was */
  static async open(folder: StateFolder): Promise<HubMemory> {
    const term = await folder.read(TERM_FILE, termRecord, "throw");
    return new HubMemory(folder, term?.term ?? 0, await folder.read(LEDGER_FILE, ledgerMark, "throw"));
  }

  /** Zero: none was ever seen. */
  get term(): number {
    return this.#term;
  }

  /** Undefined: this hub never saw a ledger. */
  get ledger(): LedgerMark | undefined {
    return this.#ledger;
  }

  /** What an administrator removes to say that the ledger of the past is given up. */
  get ledgerFile(): string {
    return path.join(this.#folder.path, LEDGER_FILE);
  }

  /** On disk when it resolves. */
  raiseTerm(term: number): Promise<void> {
    return this.#inTurn(async () => {
      if (term <= this.#term) return;
      await this.#folder.write(TERM_FILE, { term } satisfies z.infer<typeof termRecord>);
      this.#term = term;
    });
  }

  /** On disk when it resolves. */
  noteLedger(mark: LedgerMark): Promise<void> {
    return this.#inTurn(async () => {
      if (mark.uid === this.#ledger?.uid && mark.generation <= this.#ledger.generation) return;
      await this.#folder.write(LEDGER_FILE, mark);
      this.#ledger = mark;
    });
  }
}
