import type { z } from "zod";

type Issue = z.core.$ZodIssue;

/** A parse error in plain words: each fault with the path of its field, one after the other. */
export function describeFaults(error: z.ZodError): string {
  return error.issues.map((issue) => `${pathOf(issue)} ${faultOf(issue)}`).join("; ");
}

function pathOf({ path }: Issue): string {
  const text = path.map((step) => (typeof step === "number" ? `[${step}]` : `.${String(step)}`)).join("");
  return text === "" ? "the object" : text.replace(/^\./, "");
}

function faultOf(issue: Issue): string {
  if (issue.input === undefined && (issue.code === "invalid_type" || issue.code === "invalid_value")) {
    return "is missing";
  }
  switch (issue.code) {
    case "invalid_type":
      return `must be ${ARTICLES[issue.expected] ?? issue.expected}, not ${shown(issue.input)}`;
    case "invalid_value":
      return `must be ${issue.values.map(String).join(" or ")}, not ${shown(issue.input)}`;
    case "too_small":
      return issue.origin === "string"
        ? "must not be empty"
        : `must be at least ${issue.minimum}, not ${shown(issue.input)}`;
    case "too_big":
      return issue.origin === "string"
        ? `must be at most ${issue.maximum} characters long`
        : `must be at most ${issue.maximum}, not ${shown(issue.input)}`;
    default:
      return issue.message;
  }
}

const ARTICLES: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a group of fields",
  record: "a group of fields",
};

function shown(input: unknown): string {
  const text = JSON.stringify(input) ?? typeof input;
  return text.length > 64 ? `${text.slice(0, 64)}…` : text;
}
