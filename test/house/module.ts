import { parseSync } from "@swc/core";
import type { SourceFile } from "./source.ts";

/** What a TypeScript file says about other files, and what its top level holds. */
export interface SourceModule {
  readonly path: string;
  /** Specifiers as written, of `import`, `import type`, `export … from`, `import("…")`, `typeof import("…")`. */
  readonly imports: readonly string[];
  /** `import(expression)` whose target can't be read off the text. */
  readonly hasComputedImport: boolean;
  readonly hasDefaultExport: boolean;
  /** It has statements, and all of them only pass on what other files export. */
  readonly isBarrel: boolean;
  /** Names of top-level `let` and `var`: state that every user of the module shares. */
  readonly state: readonly string[];
}

/** A node of swc's syntax tree; its shape beyond `type` depends on that type (see the @swc/types package). */
type SyntaxNode = { readonly type: string } & Readonly<Record<string, unknown>>;

/** Reads a file's syntax. Throws swc's own error when it is no TypeScript. */
export function parseModule(file: SourceFile): SourceModule {
  const parsed: unknown = parseSync(file.text, { syntax: "typescript", target: "es2024" });
  const body = isNode(parsed) && Array.isArray(parsed["body"]) ? parsed["body"].filter(isNode) : [];
  const nodes = body.flatMap(descend);
  const specifiers = nodes.flatMap(specifiersOf);
  return {
    path: file.path,
    imports: specifiers.filter((specifier) => specifier !== undefined),
    hasComputedImport: specifiers.includes(undefined),
    hasDefaultExport: body.some(exportsDefault),
    isBarrel: body.length > 0 && body.every(passesOn),
    state: body.flatMap(stateOf),
  };
}

/** The specifiers a node itself names; undefined stands for one that is computed. */
function specifiersOf(node: SyntaxNode): (string | undefined)[] {
  switch (node.type) {
    case "ImportDeclaration":
    case "ExportNamedDeclaration":
    case "ExportAllDeclaration":
      return isNode(node["source"]) ? [textOf(node["source"])] : [];
    case "TsImportType":
      return [textOf(node["argument"])];
    case "TsExternalModuleReference":
      return [textOf(node["expression"])];
    case "CallExpression": {
      if (!isNode(node["callee"]) || node["callee"].type !== "Import") return [];
      const [first] = Array.isArray(node["arguments"]) ? (node["arguments"] as { readonly expression: unknown }[]) : [];
      return [textOf(first?.expression)];
    }
    default:
      return [];
  }
}

function exportsDefault(item: SyntaxNode): boolean {
  if (item.type === "ExportDefaultDeclaration" || item.type === "ExportDefaultExpression") return true;
  const names = Array.isArray(item["specifiers"]) ? item["specifiers"].filter(isNode) : [];
  return names.some(
    (name) => name.type === "ExportSpecifier" && nameOf(name["exported"] ?? name["orig"]) === "default",
  );
}

function passesOn(item: SyntaxNode): boolean {
  return item.type === "ExportAllDeclaration" || (item.type === "ExportNamedDeclaration" && isNode(item["source"]));
}

function stateOf(item: SyntaxNode): string[] {
  const declaration = item.type === "ExportDeclaration" && isNode(item["declaration"]) ? item["declaration"] : item;
  if (declaration.type !== "VariableDeclaration" || declaration["kind"] === "const") return [];
  const declarators = Array.isArray(declaration["declarations"]) ? declaration["declarations"].filter(isNode) : [];
  return declarators.map((declarator) => nameOf(declarator["id"]) ?? "a pattern");
}

/** The value of a string literal, or of a template without holes. */
function textOf(node: unknown): string | undefined {
  if (!isNode(node)) return undefined;
  if (node.type === "StringLiteral") return String(node["value"]);
  const quasis = Array.isArray(node["quasis"]) ? node["quasis"].filter(isNode) : [];
  return node.type === "TemplateLiteral" && quasis.length === 1 ? String(quasis[0]?.["cooked"]) : undefined;
}

function nameOf(node: unknown): string | undefined {
  return isNode(node) && typeof node["value"] === "string" ? node["value"] : undefined;
}

function descend(node: SyntaxNode): SyntaxNode[] {
  return [node, ...Object.values(node).flatMap(nodesIn).flatMap(descend)];
}

/** Nodes directly inside a value; swc wraps some (a call's arguments) in objects without a type. */
function nodesIn(value: unknown): SyntaxNode[] {
  if (Array.isArray(value)) return value.flatMap(nodesIn);
  if (isNode(value)) return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(nodesIn) : [];
}

function isNode(value: unknown): value is SyntaxNode {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}
