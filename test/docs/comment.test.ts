import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { carried } from "../../docs/api.ts";
import { commentOf, parseComment, sentences } from "../../docs/collect/comment.ts";
import { degree, growth } from "../../docs/collect/growth.ts";
import { pagePaths, root } from "../../scripts/pages.ts";

const source = [
  'import { mechanism } from "../page.ts";',
  "/** Not this one. */",
  "const helper = 1;",
  "/**",
  " * Averages by $w$: a short sentence. Another, by Doe et al. 2020, arXiv:2001.00001, of $T. A$ tokens.",
  " *",
  " * $$ o_t = \\sum_s w_{t,s} v_s, \\quad",
  " *    w = 1 $$",
  " * $$ a = b $$",
  " *",
  " * Like `linear/retention`, but",
  " * wide. Cost: $O(T_q T_k (D + E))$ beside the projections.",
  " * Throws {@link PageError}, naming the argument, if two",
  " * axes differ.",
  " */",
  "export const one = mechanism({});",
].join("\n");

describe("a doc comment", () => {
  const parsed = parseComment(commentOf(source));
  test("is the one above the mechanism, taken apart", () =>
    expect(parsed).toEqual({
      summary: "Averages by $w$: a short sentence.",
      lead: "Averages by $w$: a short sentence. Another, by Doe et al. 2020, arXiv:2001.00001, of $T. A$ tokens.",
      formulas: ["o_t = \\sum_s w_{t,s} v_s, \\quad\n   w = 1", "a = b"],
      notes: "Like `linear/retention`, but wide.",
      cost: "$O(T_q T_k (D + E))$ beside the projections",
      refuses: "An error naming the argument, if two axes differ.",
      mentions: ["linear/retention"],
    }));
  test("keeps tables and formulas among the notes", () => {
    const { notes, cost } = parseComment(
      "One.\n\n$$ a $$\n\nThen\n$$ b $$\nand\n\n| x | y |\n| --- | --- |\n| 1 | 2 |\n\nCost: $O(T)$.\nThrows {@link PageError} if not.",
    );
    expect(notes).toBe("Then\n\n$$ b $$\n\nand\n\n| x | y |\n| --- | --- |\n| 1 | 2 |");
    expect(cost).toBe("$O(T)$");
  });
  test("of every page has each part", () => {
    const lacking = pagePaths().filter((id) => {
      const { summary, formulas, cost, refuses } = parseComment(
        commentOf(readFileSync(join(root, "spec", `${id}.ts`), "utf8")),
      );
      return !summary || !formulas.length || !cost || !refuses;
    });
    expect(lacking).toEqual([]);
  });
});

test("sentences end at a stop before a capital, not within formulas, names or initials", () =>
  expect(sentences("By A. Smith et al. In 2020. The $a. B$ part? Yes.")).toEqual([
    "By A. Smith et al. In 2020.",
    "The $a. B$ part?",
    "Yes.",
  ]));

describe("the growth of a cost", () => {
  test.each([
    ["$O(T_q T_k (D + E))$", "tokens²"],
    ["$O(H T (T_m + T)(D + E))$ beside the projections", "tokens²"],
    ["$O(H T_q (T_k (D + E) + P D))$", "tokens²"],
    ["$O((YX)^2 H (D + E))$", "tokens²"],
    ["$O(Y^2X^2C)$ as written, $O(YXC)$ fast", "tokens²"],
    ["$O((T_q + T_k) D E)$", "tokens"],
    ["$O(T_q \\min(W, T_k) (D + E))$", "tokens"],
    ["$O(T M_o M / \\tau)$", "tokens"],
    ["$O(T (\\mathtt{segment} + D) E)$", "tokens"],
    ["$O(T \\log T\\, M)$", "tokens · log"],
    ["$O(Y X C \\log Y)$", "tokens · log"],
    ["$O(G N M)$", "other"],
    ["as much as it takes", "other"],
  ] as const)("%s is %s", (cost, wanted) => expect(growth(cost)).toBe(wanted));
  test("adds up powers", () => expect(degree("$O(T^2 T_k + 1)$")).toEqual({ power: 3, log: false }));
});

describe("a source on its way to TypeDoc", () => {
  const linked = new Set(["PageError"]);
  test("has its formulas in code and its module named", () => {
    const made = carried(source, "attnspec/linear/one", linked);
    expect(made.startsWith("/** @module attnspec/linear/one */\nimport")).toBe(true);
    expect(made).toContain("```math\n * o_t = \\sum_s w_{t,s} v_s, \\quad\n * w = 1\n * ```");
    expect(made).toContain("by `$w$`: a short");
    expect(made).toContain('{@link "attnspec/page".PageError | PageError}');
    expect(made.replace(/\/\*\*[\s\S]*?\*\//g, "").trim()).toBe(source.replace(/\/\*\*[\s\S]*?\*\//g, "").trim());
  });
  test("keeps a comment of its own as the module's", () =>
    expect(carried('/** All of it.\n *\n * @module\n */\nimport "a";\n', "attnspec", linked)).toBe(
      '/** All of it.\n *\n * @module attnspec\n */\nimport "a";\n',
    ));
  test("does not take a shape for the target of a link", () =>
    expect(carried("/** [H, 2R + 1]: numbers. */\nexport {};", undefined, linked)).toContain(
      "/** `[H, 2R + 1]`: numbers.",
    ));
});
