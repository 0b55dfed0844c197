/** What the network reads of a token: the word, its first and last letters, and its shape, each as a text that has an id. */

/** A digit stands for all: 1961 and 1974 are one word. */
const digits = /\p{Nd}/gu;

/** Marks the edge of a word that is shorter than an affix is long. No token holds it. */
const edge = "\u0001";

/** Quotation marks of all kinds, those of the Brown corpus and the Penn treebank among them, are one; so are apostrophes. */
const plain = (token: string): string => token.replace(/``|''|[“”„«»]/g, '"').replace(/[‘’]/g, "'");

const normalized = (token: string): string => plain(token).toLowerCase().replace(digits, "0");

/** The first letters of a word; of a shorter word all of it, and its end. */
const prefix =
  (length: number) =>
  (token: string): string =>
    [...normalized(token), edge].slice(0, length).join("");

/** The last letters of a word; of a shorter word its begin, and all of it. */
const suffix =
  (length: number) =>
  (token: string): string =>
    [edge, ...normalized(token)].slice(-length).join("");

const longestShape = 12;

/** Capitals as `X`, other letters as `x`, digits as `0`, and all else as it is; what is the same in a row stands once: "U.S." is `X.X.`, "1960's" `0'x`. */
function shape(token: string): string {
  const kinds = plain(token)
    .replace(/\p{Lu}|\p{Lt}/gu, "X")
    .replace(/(?!X)\p{L}/gu, "x")
    .replace(digits, "0");
  return [...kinds]
    .filter((kind, i, all) => kind !== all[i - 1])
    .slice(0, longestShape)
    .join("");
}

/** Every feature: how it is made of a token, and how often one must occur to have an id of its own unless a vocabulary says otherwise. */
export const features = {
  word: { of: normalized, minCount: 2 },
  prefix1: { of: prefix(1), minCount: 3 },
  prefix2: { of: prefix(2), minCount: 3 },
  prefix3: { of: prefix(3), minCount: 3 },
  prefix4: { of: prefix(4), minCount: 3 },
  suffix1: { of: suffix(1), minCount: 3 },
  suffix2: { of: suffix(2), minCount: 3 },
  suffix3: { of: suffix(3), minCount: 3 },
  suffix4: { of: suffix(4), minCount: 3 },
  suffix5: { of: suffix(5), minCount: 3 },
  shape: { of: shape, minCount: 3 },
} as const satisfies Record<string, { readonly of: (token: string) => string; readonly minCount: number }>;

/** The name of a feature, and of the model's input that takes its ids. */
export type FeatureName = keyof typeof features;
/** All features, in the order of the network. */
export const featureNames = Object.keys(features) as FeatureName[];

/** A record with what `make` gives for each feature. */
export function byFeature<T>(make: (name: FeatureName, index: number) => T): { readonly [F in FeatureName]: T } {
  const entries = featureNames.map((name, index) => [name, make(name, index)] as const);
  return Object.fromEntries(entries) as { readonly [F in FeatureName]: T };
}
