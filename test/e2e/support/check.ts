import { z } from "zod";
import type { TestLab } from "./test-lab.ts";

const way = z.strictObject({ from: z.string(), to: z.string(), family: z.literal([4, 6]), ok: z.boolean() });

/** What `lab check --output json` prints. */
const report = z.strictObject({
  pairs: z.array(way.extend({ sourcePreserved: z.boolean(), rttMs: z.number().nullable(), largeOk: z.boolean() })),
  isolated: z.array(way),
  passed: z.int(),
  failed: z.int(),
});

/** Tries every pod to every pod by `lab check`, which exits 1 on any hole and says where. */
export async function pairsCheck(lab: TestLab): Promise<z.infer<typeof report>> {
  return report.parse(JSON.parse(await lab.do("check", "--output", "json")));
}

/** The same where holes are to be expected. @returns the ways that large packets do not go, as `CLUSTER/POD > CLUSTER/POD by IPv4` */
export async function waysTooNarrow(lab: TestLab): Promise<string[]> {
  const { out } = await lab.try("lab", "check", "--output", "json", "--name", lab.name);
  const { pairs } = report.parse(JSON.parse(out));
  return pairs.filter(({ largeOk }) => !largeOk).map(({ from, to, family }) => `${from} > ${to} by IPv${family}`);
}
