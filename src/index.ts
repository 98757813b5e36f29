/**
 * The catalogue of attention mechanisms: each an executable float64 specification, loaded by id and called with plain
 * tensors `{ shape, data }`.
 *
 * @module
 */
import { catalogue, type Id } from "../spec/catalogue.ts";
import { type Confidence, type Evidence, evidence } from "../spec/confidence.ts";
import { type AnyMechanism, evaluate, type Inputs, nearest, type Outputs } from "../spec/page.ts";

export {
  type AnyMechanism,
  type AnyPage,
  type Float64Tensor,
  type Inputs,
  type Mechanism,
  type Outputs,
  PageError,
  type Tensor,
} from "../spec/page.ts";
export { tensorOf } from "./oracle/tensors.ts";
export { type Confidence, catalogue, type Evidence, evidence, type Id };

/** No mechanism has this id; `nearest` holds the ids most like it. */
export class UnknownMechanismError extends Error {
  override readonly name = "UnknownMechanismError";
  constructor(
    readonly id: string,
    readonly nearest: readonly string[],
  ) {
    super(`there is no mechanism ${id}; did you mean ${nearest.join(", ")}? \`attnspec list\` names them all`);
  }
}

/** The ids one may have meant: those with these initials (`gqa`), then those whose name or whole id is spelled most alike. */
function alike(id: string): string[] {
  const name = (full: string) => full.slice(full.lastIndexOf("/") + 1);
  const initials = (full: string) =>
    name(full)
      .split("-")
      .map((word) => word[0])
      .join("");
  const meant = ids.filter((full) => initials(full) === id.toLowerCase());
  const spelled = nearest(name(id), ids.map(name), 3).flatMap((last) => ids.filter((full) => name(full) === last));
  return [...new Set<string>([...meant, ...spelled])].slice(0, 3);
}

/** All ids, sorted. */
export const ids = Object.keys(catalogue) as Id[];

/**
 * Loads one page. The last part of an id is enough where it is unambiguous.
 *
 * @throws UnknownMechanismError naming the nearest ids.
 */
export async function load(id: string): Promise<AnyMechanism> {
  const known = ids.filter((name) => name === id || name.split("/")[1] === id);
  if (known.length !== 1) throw new UnknownMechanismError(id, known.length ? known : alike(id));
  return catalogue[known[0]!]();
}

/**
 * Runs a mechanism by id. Inputs are `{ shape, data }` by name, in any array type; outputs are Float64Array.
 *
 * @throws UnknownMechanismError for an unknown id; PageError naming the argument for inputs or options it cannot take.
 */
export async function run(
  id: string,
  inputs: Inputs,
  options: Readonly<Record<string, unknown>> = {},
): Promise<Outputs> {
  return evaluate((await load(id)).page, inputs, options);
}
