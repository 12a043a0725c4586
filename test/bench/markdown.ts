/** A Markdown table; all columns but the first hold numbers. */
export function drawTable(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]): string => `| ${cells.join(" | ")} |\n`;
  return line(head) + line(head.map((_, column) => (column === 0 ? "---" : "---:"))) + rows.map(line).join("");
}

/** A document with `section`, which begins with its heading `## …`, in place of the one with that heading, or at its end. */
export function putSection(document: string, section: string): string {
  const heading = section.split("\n")[0];
  const parts = document.split(/^(?=## )/m).map((part) => part.trimEnd());
  const at = parts.findIndex((part) => part.split("\n")[0] === heading);
  const next = at < 0 ? [...parts, section.trimEnd()] : parts.with(at, section.trimEnd());
  return `${next.join("\n\n")}\n`;
}
