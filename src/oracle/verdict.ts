/** How a verdict reads. */
import { type AnyPage, bind, type Tensor } from "../../spec/page.ts";
import { flatten } from "./compare.ts";
import type { Failure, Verdict } from "./conforms.ts";

/** A number as short as it can be without being another at float32's accuracy. */
export const short = (x: number): string => {
  const text = String(x);
  return text.length <= 9 ? text : String(Number(x.toPrecision(8)));
};

/** Nested brackets, shortened past 24 values a tensor. */
export function showTensor({ shape, data }: Tensor): string {
  const values = Array.from({ length: data.length }, (_, i) => short(Number(data[i])));
  if (values.length > 24) return `[${values.slice(0, 12).join(", ")}, … ${values.length - 12} more]`;
  let level: string[] = values;
  for (const length of shape.slice().reverse()) {
    if (length === 0) return "[]";
    level = Array.from(
      { length: level.length / length },
      (_, i) => `[${level.slice(i * length, (i + 1) * length).join(", ")}]`,
    );
  }
  return level[0] ?? "";
}

const percent = (share: number): string => `${(100 * share).toFixed(share < 0.095 ? 1 : 0)} %`;

const compared = (times: number): string =>
  !Number.isFinite(times)
    ? ""
    : times > 1e6
      ? ", more than a million times the budget"
      : `, ${short(Number(times.toPrecision(3)))} times the budget`;

/** The first line of a verdict. */
export function summary({
  mechanism,
  conforms,
  dtype,
  judged,
  loose,
  declined,
  unjudged,
  share,
}: Omit<Verdict, "toString">): string {
  const lines = [
    `${mechanism}: ${conforms ? "conforms" : "does not conform"} (${dtype}, ${judged} ${judged === 1 ? "case" : "cases"}${conforms ? `; largest error ${percent(share)} of the budget` : ""})`,
  ];
  if (loose) lines.push(`  ${loose} cases were too ill-conditioned at this precision to tell much`);
  for (const [why, count] of Object.entries(declined))
    lines.push(`  ${count} ${count === 1 ? "case" : "cases"} left out: ${why}`);
  if (conforms && unjudged.length) lines.push(`  not returned, so not judged: ${unjudged.join(", ")}`);
  return lines.join("\n");
}

/** The smallest failing input, where it differs, by how much, and which laws break. */
export function describeFailure(page: AnyPage, failure: Failure): string {
  const { sizes, options } = bind(page, failure.inputs, failure.options);
  const letters = Object.entries(sizes).map(
    ([letter, length]) => `${letter} = ${Array.isArray(length) ? `[${length.join(", ")}]` : String(length)}`,
  );
  const set = Object.keys(page.options).map(
    (name) =>
      `${name} = ${Array.isArray(options[name]) ? `[${(options[name] as number[]).join(", ")}]` : String(options[name])}${name in failure.options ? "" : " (default)"}`,
  );
  const where = failure.index.length ? `${failure.output}[${failure.index.join(", ")}]` : failure.output;
  const far = Math.abs(failure.actual - failure.wanted);
  const times = far / failure.within;
  return [
    `  smallest failing input: ${letters.join(", ")}${set.length ? `; ${set.join(", ")}` : ""}`,
    ...Object.entries(flatten(failure.inputs)).map(([name, t]) => `    ${name} = ${showTensor(t)}`),
    failure.problem
      ? `  ${failure.problem}`
      : `  ${where} is ${short(failure.actual)}, expected ${short(failure.wanted)}: ${Number.isNaN(far) ? "not a number" : `off by ${short(far)}`}${compared(times)}`,
    ...failure.laws.map((name) => `  the kernel breaks: ${name}`),
    `  (seed ${failure.seed})`,
  ].join("\n");
}
