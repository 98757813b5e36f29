/** How a cost grows with the number of tokens, read off the formula itself: `O(T_q T_k (D + E))` grows as tokens². */
export type Growth = "tokens²" | "tokens · log" | "tokens" | "other";

interface Degree {
  readonly power: number;
  readonly log: boolean;
}
const constant: Degree = { power: 0, log: false };
const larger = (a: Degree, b: Degree): Degree =>
  a.power !== b.power ? (a.power > b.power ? a : b) : { power: a.power, log: a.log || b.log };
const times = (a: Degree, b: Degree): Degree => ({ power: a.power + b.power, log: a.log || b.log });

/** Letters that count tokens, or rows and columns of an image (half a power each, so that an image has one). */
function letter(name: string): number {
  if (name === "T" || name === "L_q" || name === "L_k") return 1;
  if (/^T_/.test(name)) return /^T_[mp]$/.test(name) ? 0 : 1;
  if (name === "Y" || name === "X") return 0.5;
  return 0;
}

/** The degree in tokens of the first `O(…)` of a cost. */
export function degree(cost: string): Degree | undefined {
  const from = cost.indexOf("O(");
  if (from < 0) return undefined;
  const words = [...cost.slice(from + 1).matchAll(/\\[a-zA-Z]+|\\.|[A-Za-z](_(\{[^}]*\}|\w|\\[a-z]+))?|\d+|\S/g)].map(
    ([word]) => word,
  );
  let at = 0;
  const group = (): Degree => {
    at++;
    const inside = sum();
    at++;
    return inside;
  };
  const atom = (): Degree => {
    const word = words[at]!;
    if (word === "(" || word === "{") return group();
    if (word === "\\log" || word === "\\ln") {
      at++;
      if (words[at] === "_") at += 2;
      const inside = product();
      return { power: 0, log: inside.power > 0 };
    }
    if (word === "\\min") {
      at++;
      at++;
      const parts = [sum()];
      while (words[at] === ",") {
        at++;
        parts.push(sum());
      }
      at++;
      return parts.reduce((a, b) => (a.power <= b.power ? a : b));
    }
    if (/^\\(mathrm|mathtt|text|texttt|operatorname)$/.test(word)) {
      while (at < words.length && words[at] !== "}") at++;
      at++;
      return constant;
    }
    at++;
    return { power: letter(word), log: false };
  };
  const powered = (): Degree => {
    let base = atom();
    while (words[at] === "^" || words[at] === "_") {
      const raised = words[at] === "^";
      at++;
      const exponent = words[at] === "{" ? words[at + 1]! : words[at]!;
      at = words[at] === "{" ? words.indexOf("}", at) + 1 : at + 1;
      if (raised && /^\d+$/.test(exponent)) base = { power: base.power * Number(exponent), log: base.log };
    }
    return base;
  };
  const product = (): Degree => {
    let all = constant;
    while (at < words.length && !["+", "-", ")", "}", ",", "$"].includes(words[at]!)) {
      const division = words[at] === "/";
      if (division) at++;
      const next = powered();
      all = division ? { power: all.power - next.power, log: all.log } : times(all, next);
    }
    return all;
  };
  const sum = (): Degree => {
    let all = product();
    while (words[at] === "+" || words[at] === "-") {
      at++;
      all = larger(all, product());
    }
    return all;
  };
  return group();
}

/** The class a reader filters by. */
export function growth(cost: string): Growth {
  const found = degree(cost);
  if (!found || found.power < 1) return "other";
  if (found.power >= 2) return "tokens²";
  return found.log ? "tokens · log" : "tokens";
}
