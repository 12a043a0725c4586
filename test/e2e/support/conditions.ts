import { z } from "zod";
import type { TestLab } from "./test-lab.ts";

const condition = z.object({ type: z.string(), status: z.string(), reason: z.string(), message: z.string() });
const subnets = z.array(
  z.object({ metadata: z.object({ name: z.string() }), status: z.object({ conditions: z.array(condition) }) }),
);

/** A condition of a Subnet, as its cluster's store tells it; undefined while nobody has said it. */
export async function conditionOf(
  lab: TestLab,
  cluster: string,
  subnet: string,
  type: string,
): Promise<z.infer<typeof condition> | undefined> {
  const all = subnets.parse(JSON.parse(await lab.at(cluster, "subnet", "list", "--output", "json")));
  const found = all.find(({ metadata }) => metadata.name === subnet);
  return found?.status.conditions.find((each) => each.type === type);
}
