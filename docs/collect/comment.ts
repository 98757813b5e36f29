/** The doc comment of a page, taken apart: what it is, formulas, notes, cost, refusals, pages it names. */
import ts from "typescript";

export interface Comment {
  /** The first sentence. */
  readonly summary: string;
  /** All before the first displayed formula, in Markdown with `$…$`. */
  readonly lead: string;
  /** The displayed formulas at the top, in TeX. */
  readonly formulas: readonly string[];
  /** What follows them (edges, choices), in Markdown; may hold further formulas. */
  readonly notes: string;
  /** What stands after “Cost:”. */
  readonly cost: string;
  /** What stands after “Throws {@link PageError}”, as a sentence. */
  readonly refuses: string;
  /** Ids of pages named in backticks. */
  readonly mentions: readonly string[];
}

/** The doc comment above the exported mechanism of a source file, without its stars. */
export function commentOf(source: string, file = "page.ts"): string {
  const tree = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true);
  for (const statement of tree.statements) {
    if (!ts.isVariableStatement(statement)) continue;
    const made = statement.declarationList.declarations[0]?.initializer;
    if (!made || !ts.isCallExpression(made) || made.expression.getText(tree) !== "mechanism") continue;
    const block = ts
      .getLeadingCommentRanges(source, statement.getFullStart())
      ?.findLast(({ pos }) => source.startsWith("/**", pos));
    if (block)
      return source
        .slice(block.pos + 3, block.end - 2)
        .replace(/^[ \t]*\*[ \t]?/gm, "")
        .trim();
  }
  return "";
}

/** Ends of sentences: a stop before a capital, but not after “et al.”, initials and the like, nor inside a formula. */
export function sentences(text: string): string[] {
  const found: string[] = [];
  let from = 0;
  let formula = false;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === "$") formula = !formula;
    if (formula || !/[.?!]/.test(text[i]!) || !/^\s+["“(]?[A-Z`$]/.test(text.slice(i + 1))) continue;
    if (/(\bet al|\b[A-Z]|\bcf|\be\.g|\bi\.e|\bresp|\bvs|\bSec|\bEq|\bApp)$/.test(text.slice(from, i))) continue;
    found.push(text.slice(from, i + 1).trim());
    from = i + 1;
  }
  if (text.slice(from).trim()) found.push(text.slice(from).trim());
  return found;
}

/** One line for each paragraph, tables and lists left as they are. */
const unwrap = (text: string): string =>
  text
    .split(/\n\s*\n/)
    .map((paragraph) =>
      /^\s*([|]|[-*] |\d+\. )/m.test(paragraph) ? paragraph.trim() : paragraph.trim().replace(/\s*\n\s*/g, " "),
    )
    .filter(Boolean)
    .join("\n\n");

/** Takes a comment apart. */
export function parseComment(text: string): Comment {
  const throws = text.search(/Throws\s+\{@link PageError\}/);
  const refusal = throws < 0 ? "" : text.slice(throws).replace(/^Throws\s+\{@link PageError\},?\s*/, "");
  const [refuses = "", ...after] = refusal.split(/\n\s*\n/);
  const rest = throws < 0 ? text : `${text.slice(0, throws)}\n\n${after.join("\n\n")}`;
  const parts = rest.split(/(\$\$[\s\S]*?\$\$)/);
  const isFormula = (part: string) => part.startsWith("$$");
  const first = parts.findIndex(isFormula);
  let past = first;
  while (past >= 0 && past < parts.length && (isFormula(parts[past]!) || !parts[past]!.trim())) past++;
  const lead = unwrap(parts.slice(0, first < 0 ? undefined : first).join(""));
  const body = first < 0 ? "" : parts.slice(past).join("");
  const cost = /Cost:\s+([\s\S]*?)(?=\n\s*\n|$)/.exec(body.trim())?.[1] ?? "";
  const costSentence = sentences(cost.replace(/\s*\n\s*/g, " "))[0] ?? "";
  const notes = unwrap(spaced(withoutCost(body, costSentence)));
  return {
    summary: plainSummary(sentences(lead)[0] ?? ""),
    lead,
    formulas:
      first < 0
        ? []
        : parts
            .slice(first, past)
            .filter(isFormula)
            .map((part) => part.slice(2, -2).trim()),
    notes,
    cost: costSentence.replace(/\.$/, ""),
    refuses: refuses
      .replace(/\s*\n\s*/g, " ")
      .replace(/^naming/, "An error naming")
      .trim(),
    mentions: [...new Set([...text.matchAll(/`([a-z-]+\/[a-z0-9-]+)`/g)].map(([, id]) => id!))],
  };
}

/** Displayed formulas as paragraphs of their own. */
const spaced = (text: string): string =>
  text.replace(/\s*(\$\$[\s\S]*?\$\$)\s*/g, (_, formula: string) => `\n\n${formula.replace(/\s*\n\s*/g, " ")}\n\n`);
function withoutCost(body: string, sentence: string): string {
  if (!sentence) return body;
  const pattern = sentence
    .split(/\s+/)
    .map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
    .join("\\s+");
  return body.replace(new RegExp(`Cost:\\s+${pattern}`), "");
}
/** The sentence without a dangling citation. */
const plainSummary = (text: string): string => text.replace(/\s*\n\s*/g, " ");
