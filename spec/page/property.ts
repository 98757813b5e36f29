/**
 * Properties a page declares of itself. Each is a law that is checked on the page, shown in its docs, and tried on a
 * kernel that does not conform, to say what it breaks.
 */
type Names = string | readonly string[];
interface Limits<N, O, G> {
  /** The outputs the law speaks of; all if absent. */
  readonly outputs?: readonly string[];
  /** The sizes and options for which it holds; all if absent. */
  readonly when?: (n: N, o: O, given: G) => boolean;
}

export type Property<N = never, O = never, G = never> = Limits<N, O, G> &
  (
    | /** The outputs are linear in these inputs taken together. */ { readonly linear: Names }
    | /** Values equal along the key axis come back unchanged, or zero where no key is seen. */ {
        readonly averages: string;
        readonly along: string;
      }
    | /** Without the last place of these axes (cut together), the places before get what they got. */ {
        readonly causal: Names;
      }
    | /** The order along this axis, which no output has, is immaterial. */ { readonly unordered: string }
    | /** Reordering the places of this axis in all inputs reorders the outputs alike. */ {
        readonly equivariant: string;
      }
    | /** Each place of this axis is computed without regard to the others. */ { readonly independent: string }
    | /** Cut anywhere along the axis and resumed from the returned states, it is the whole. */ {
        readonly resumes: string;
        readonly states: Names;
      }
    | /** Negating these inputs together changes nothing. */ { readonly even: Names }
    | /** Multiplying this input by a positive number changes nothing. */ { readonly scaleFree: string }
  );
