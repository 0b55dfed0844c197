/** Sizes in shape arithmetic: integers, and sums of products of named sizes, such as 2 · batch · time. */
import type { Dim, Shape } from "@ostinato/core";

/** A product of a number and named sizes. */
interface Term {
  readonly factor: number;
  /** Sorted; a name may occur twice. */
  readonly names: readonly string[];
}

/** A sum with at least one named size; the constant term comes first. */
export interface NamedSize {
  readonly terms: readonly Term[];
}

/** A number, or an expression of named sizes, which are at least 1. */
export type Size = number | NamedSize;

/** The maximum number of terms, and of names in a term. */
const MOST = 8;

const keyOf = ({ names }: Term): string => JSON.stringify(names);

const termsOf = (size: Size): readonly Term[] => {
  if (typeof size !== "number") return size.terms;
  return size === 0 ? [] : [{ factor: size, names: [] }];
};

/** `undefined` if the sum has too many terms. */
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

/** a + b; `undefined` if the result has too many terms. */
export const addSizes = (a: Size, b: Size): Size | undefined =>
  typeof a === "number" && typeof b === "number" ? a + b : sumOf([...termsOf(a), ...termsOf(b)]);

/** a · b; `undefined` if the result has too many terms. */
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

/** `names` without those of `others`; `undefined` if one of these is missing. */
function without(names: readonly string[], others: readonly string[]): string[] | undefined {
  const left = [...names];
  for (const other of others) {
    const at = left.indexOf(other);
    if (at < 0) return undefined;
    left.splice(at, 1);
  }
  return left;
}

/** a / b, rounded towards zero like ONNX's integer division; `undefined` if named sizes prevent it. */
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

/** The sign: -1, 0 or 1; `undefined` if it depends on the values of named sizes. */
function signOf(size: Size): -1 | 0 | 1 | undefined {
  if (typeof size === "number") return size === 0 ? 0 : size < 0 ? -1 : 1;
  // Names are at least 1, so a sum without negative factors is at least the sum of its factors.
  const sign = size.terms.some(({ names, factor }) => names.length > 0 && factor > 0) ? 1 : -1;
  const named = size.terms.filter(({ names }) => names.length > 0);
  if (named.some(({ factor }) => factor * sign < 0)) return undefined;
  return size.terms.reduce((sum, { factor }) => sum + factor * sign, 0) > 0 ? sign : undefined;
}

/** Compares `a` and `b`: -1, 0 or 1; `undefined` if the result depends on the values of named sizes. */
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

/** The factor and the names of a single product; `undefined` for a sum. */
export function factorsOf(size: Size): Term | undefined {
  if (typeof size === "number") return { factor: size, names: [] };
  return size.terms.length === 1 ? size.terms[0] : undefined;
}

/** A size as a dim; `undefined` if it is not a number or a name. */
export function dimOf(size: Size): Dim | undefined {
  if (typeof size === "number") return size;
  const term = factorsOf(size);
  return term?.factor === 1 && term.names.length === 1 ? term.names[0] : undefined;
}

/** `2·batch·time + 1`, for errors. */
export function showSize(size: Size): string {
  const show = ({ factor, names }: Term): string =>
    [...(factor === 1 && names.length > 0 ? [] : [factor]), ...names].join("·");
  return termsOf(size).map(show).join(" + ") || "0";
}
