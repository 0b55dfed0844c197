/** Sizes as shape arithmetic computes them: whole numbers, and sums of products of named sizes, such as 2 · batch · time. */
import type { Dim, Shape } from "@ostinato/core";

/** A number times named sizes. */
interface Term {
  readonly factor: number;
  /** In order; the same name may stand twice. */
  readonly names: readonly string[];
}

/** A sum that has a named size in it; a number without names stands first. */
export interface NamedSize {
  readonly terms: readonly Term[];
}

/** A number, or what a number depends on. Named sizes are at least 1. */
export type Size = number | NamedSize;

/** As many terms, and names in a term, as shapes have in good faith. */
const MOST = 8;

const keyOf = ({ names }: Term): string => JSON.stringify(names);

const termsOf = (size: Size): readonly Term[] => {
  if (typeof size !== "number") return size.terms;
  return size === 0 ? [] : [{ factor: size, names: [] }];
};

/** `undefined` for a sum of more terms than any shape has. */
function sumOf(terms: readonly Term[]): Size | undefined {
  const byNames = new Map<string, Term>();
  for (const term of terms) {
    const known = byNames.get(keyOf(term));
    byNames.set(keyOf(term), { ...term, factor: term.factor + (known?.factor ?? 0) });
  }
  const left = [...byNames.entries()].filter(([, { factor }]) => factor !== 0);
  left.sort(([a], [b]) => (a < b ? 1 : -1));
  const [first] = left;
  if (first === undefined) return 0;
  if (left.length === 1 && first[1].names.length === 0) return first[1].factor;
  if (left.length > MOST || left.some(([, { names }]) => names.length > MOST)) return undefined;
  return { terms: left.map(([, term]) => term) };
}

/** a + b; `undefined` where that is longer than any shape needs. */
export const addSizes = (a: Size, b: Size): Size | undefined =>
  typeof a === "number" && typeof b === "number" ? a + b : sumOf([...termsOf(a), ...termsOf(b)]);

/** a · b; `undefined` where that is longer than any shape needs. */
export function multiplySizes(a: Size, b: Size): Size | undefined {
  if (typeof a === "number" && typeof b === "number") return a * b;
  return sumOf(
    termsOf(a).flatMap((left) =>
      termsOf(b).map((right) => ({
        factor: left.factor * right.factor,
        names: [...left.names, ...right.names].sort(),
      })),
    ),
  );
}

/** a - b. */
export function subtractSizes(a: Size, b: Size): Size | undefined {
  const negative = multiplySizes(b, -1);
  return negative === undefined ? undefined : addSizes(a, negative);
}

/** `names` without those of `others`; `undefined` where one of these is not among them. */
function without(names: readonly string[], others: readonly string[]): string[] | undefined {
  const left = [...names];
  for (const other of others) {
    const at = left.indexOf(other);
    if (at < 0) return undefined;
    left.splice(at, 1);
  }
  return left;
}

/** a / b, rounded towards zero as ONNX divides whole numbers; `undefined` where names are in the way. */
export function divideSizes(a: Size, b: Size): Size | undefined {
  if (typeof a === "number" && typeof b === "number") return b === 0 ? undefined : Math.trunc(a / b);
  const [divisor, ...more] = termsOf(b);
  if (divisor === undefined || more.length > 0) return undefined;
  const parts: Term[] = [];
  for (const { factor, names } of termsOf(a)) {
    const left = without(names, divisor.names);
    if (left === undefined || factor % divisor.factor !== 0) return undefined;
    parts.push({ factor: factor / divisor.factor, names: left });
  }
  return sumOf(parts);
}

/** Below, at or above zero: -1, 0 or 1; `undefined` where it depends on how large named sizes are. */
function signOf(size: Size): -1 | 0 | 1 | undefined {
  if (typeof size === "number") return size === 0 ? 0 : size < 0 ? -1 : 1;
  // Of names that are 1 at least, a sum without negative factors is no less than that of the factors.
  const sign = size.terms.some(({ names, factor }) => names.length > 0 && factor > 0) ? 1 : -1;
  const named = size.terms.filter(({ names }) => names.length > 0);
  if (named.some(({ factor }) => factor * sign < 0)) return undefined;
  return size.terms.reduce((sum, { factor }) => sum + factor * sign, 0) > 0 ? sign : undefined;
}

/** How `a` compares to `b`: -1, 0 or 1; `undefined` where it depends on how large named sizes are. */
export function compareSizes(a: Size, b: Size): -1 | 0 | 1 | undefined {
  const difference = subtractSizes(a, b);
  return difference === undefined ? undefined : signOf(difference);
}

/** The product of dims. */
export function productOf(shape: Shape): Size | undefined {
  let product: Size | undefined = 1;
  for (const dim of shape) product = product === undefined ? undefined : multiplySizes(product, sizeOfDim(dim));
  return product;
}

/** A dim as a size. */
export const sizeOfDim = (dim: Dim): Size => (typeof dim === "number" ? dim : { terms: [{ factor: 1, names: [dim] }] });

/** One product as its number and its names; `undefined` for a sum of several. */
export function factorsOf(size: Size): Term | undefined {
  if (typeof size === "number") return { factor: size, names: [] };
  return size.terms.length === 1 ? size.terms[0] : undefined;
}

/** A size as a dim; `undefined` for one that is more than a number or a name. */
export function dimOf(size: Size): Dim | undefined {
  if (typeof size === "number") return size;
  const term = factorsOf(size);
  return term?.factor === 1 && term.names.length === 1 ? term.names[0] : undefined;
}

/** `2·batch·time + 1`, as errors show it. */
export function showSize(size: Size): string {
  const show = ({ factor, names }: Term): string =>
    [...(factor === 1 && names.length > 0 ? [] : [factor]), ...names].join("·");
  return termsOf(size).map(show).join(" + ") || "0";
}
