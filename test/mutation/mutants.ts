/** The ways a page can be changed by one small slip. */
import ts from "typescript";

export interface Mutant {
  /** Where, in words: line and the change made. */
  readonly label: string;
  /** The change without its place, by which an argued equivalent is recognised. */
  readonly change: string;
  readonly source: string;
}

const swaps: Record<string, string[]> = {
  "+": ["-"],
  "-": ["+"],
  "*": ["/"],
  "/": ["*"],
  "%": ["*"],
  "**": ["*"],
  "<": ["<=", ">="],
  "<=": ["<", ">"],
  ">": [">=", "<="],
  ">=": [">", "<"],
  "===": ["!=="],
  "!==": ["==="],
  "&&": ["||"],
  "||": ["&&"],
};
const functions: Record<string, string> = {
  "Math.floor": "Math.ceil",
  "Math.ceil": "Math.floor",
  "Math.max": "Math.min",
  "Math.min": "Math.max",
  "Math.cos": "Math.sin",
  "Math.sin": "Math.cos",
  "Math.sqrt": "Number",
  "Math.exp": "Number",
  "Math.log": "Number",
  "Math.abs": "Number",
  "Math.tanh": "Number",
  "Math.log2": "Math.log",
  "Math.log1p": "Math.log",
  maximum: "minimum",
  minimum: "maximum",
  sigmoid: "Number",
  relu: "Number",
  silu: "Number",
  gelu: "Number",
  softplus: "Number",
};
/** Parts of a declaration that say nothing about what is computed. */
const silent = new Set([
  "properties",
  "tried",
  "domain",
  "id",
  "name",
  "paper",
  "code",
  "ours",
  "mayBeEmpty",
  "expects",
]);

/** All mutants of the source of a page. */
export function mutantsOf(source: string): Mutant[] {
  const file = ts.createSourceFile("page.ts", source, ts.ScriptTarget.ES2022, true);
  const mutants: Mutant[] = [];
  const replace = (node: ts.Node, text: string) => {
    const [start, end] = [node.getStart(file), node.getEnd()];
    const line = file.getLineAndCharacterOfPosition(start).line + 1;
    const around = (node.parent ?? node).getText(file).replace(/\s+/g, " ");
    const change = `${around.length > 90 ? node.getText(file).replace(/\s+/g, " ") : around}: ${node.getText(file)} → ${text}`;
    mutants.push({
      label: `line ${line}: ${change}`,
      change,
      source: source.slice(0, start) + text + source.slice(end),
    });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isTypeNode(node) || ts.isStringLiteral(node)) return;
    if (ts.isPropertyAssignment(node) && silent.has(node.name.getText(file))) return;
    if (ts.isCallExpression(node) && /^(flag|choice|integer|real|numbers)$/.test(node.expression.getText(file))) {
      if (node.arguments[0] && !ts.isArrayLiteralExpression(node.arguments[0])) visit(node.arguments[0]);
      return;
    }
    if (ts.isBinaryExpression(node))
      for (const other of swaps[node.operatorToken.getText(file)] ?? []) replace(node.operatorToken, other);
    if (ts.isNumericLiteral(node)) replace(node, String(Number(node.text) + 1));
    if (node.kind === ts.SyntaxKind.TrueKeyword) replace(node, "false");
    if (node.kind === ts.SyntaxKind.FalseKeyword) replace(node, "true");
    if (
      ts.isPrefixUnaryExpression(node) &&
      !ts.isNumericLiteral(node.operand) &&
      [ts.SyntaxKind.MinusToken, ts.SyntaxKind.ExclamationToken].includes(node.operator)
    )
      replace(node, node.operand.getText(file));
    if (ts.isConditionalExpression(node)) replace(node.condition, `!(${node.condition.getText(file)})`);
    if (ts.isCallExpression(node)) {
      const callee = node.expression.getText(file);
      const other = functions[callee];
      if (other) replace(node.expression, other);
      const [a, b] = node.arguments;
      const plain = (n: ts.Node | undefined) => n && (ts.isIdentifier(n) || ts.isBinaryExpression(n));
      if (
        !/^Math\.(min|max)$/.test(callee) &&
        plain(a) &&
        plain(b) &&
        a!.getText(file) !== b!.getText(file) &&
        node.arguments.length < 6
      ) {
        const swapped = [b!, a!, ...node.arguments.slice(2)].map((n) => n.getText(file)).join(", ");
        replace(node, `${callee}(${swapped})`);
      }
    }
    ts.forEachChild(node, visit);
  };
  ts.forEachChild(file, visit);
  return mutants;
}
