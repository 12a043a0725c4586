import path from "node:path";
import { houseViolations } from "../test/house/rules.ts";
import { readTree } from "../test/house/source.ts";

/** Prints what breaks the rules of the house; test/house.test.ts shows that these rules do reject what they forbid. */
const violations = houseViolations(readTree(path.join(import.meta.dirname, "..")));
for (const violation of violations) console.log(violation);
process.exitCode = violations.length === 0 ? 0 : 1;
