import type { Run } from "../../platform/run.ts";
import { FILTER_PRIORITY } from "../firewall/rules.ts";
import type { Outcome } from "../outcome.ts";
import { isMissingProgram } from "../outcome.ts";
import { messageOf } from "../../platform/errors.ts";
import { chainText, withRemedy } from "./chain.ts";
import { changeByIptables } from "./iptables.ts";
import { changeByNft } from "./nft.ts";
import type { ForeignStep } from "./plan.ts";

/** Carries steps out one by one, for two iptables can't change one table at once; what fails says what to do about it. */
export async function applyForeign(run: Run, steps: readonly ForeignStep[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const step of steps) {
    outcomes.push(await carryOut(run, step));
  }
  return outcomes;
}

async function carryOut(run: Run, step: ForeignStep): Promise<Outcome> {
  const { chain } = step;
  if (step.op === "refuse") {
    return {
      step: `let mesh traffic through ${chainText(chain)}`,
      error: `it drops by default at priority ${chain.priority}, before Trestle can mark packets at ${FILTER_PRIORITY}; set its policy to accept, or move it to a later priority`,
      obstacle: true,
    };
  }
  const words = step.op === "open" ? `let mesh traffic through ${chainText(chain)}` : `leave ${chainText(chain)} alone`;
  try {
    await (chain.tool === "nft" ? changeByNft(run, step) : changeByIptables(run, chain.tool, step));
    return { step: words };
  } catch (error) {
    const message = step.op === "open" ? withRemedy(chain, error) : messageOf(error);
    return { step: words, error: message, obstacle: isMissingProgram(error) };
  }
}
