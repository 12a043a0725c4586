export const OUTPUT_FORMATS = ["table", "wide", "json", "yaml"] as const;

/** How results are printed: for people (`wide` has more columns) or for programs. */
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

/** True for the formats that programs read: these hold the whole value and nothing else. */
export function isData(format: OutputFormat): format is "json" | "yaml" {
  return format === "json" || format === "yaml";
}
