/** Initial weights, by Keras's names and definitions. */
import type { RandomStream } from "../random.ts";
import { orthogonalMatrix } from "./orthogonal.ts";

/** Initializers without options. */
export const initializerNames = [
  "zeros",
  "ones",
  "glorotUniform",
  "glorotNormal",
  "heUniform",
  "heNormal",
  "lecunUniform",
  "lecunNormal",
  "orthogonal",
  "uniform",
  "normal",
] as const;

/**
 * How a parameter begins. `glorotUniform`: U(-l, l) with l = √(6 / (in + out)); `glorotNormal`: normal with σ = √(2 / (in + out)), cut at 2σ;
 * `he…` (2 / in in the place of 2 / (in + out)) and `lecun…` (1 / in) likewise; `orthogonal`: orthonormal rows or columns, the shorter ones;
 * `uniform`: U(-0.05, 0.05), or within the bounds of the object form; `normal`: mean 0 and deviation 0.05, or those of the object form;
 * `constant`: one number everywhere.
 */
export type Initializer =
  | (typeof initializerNames)[number]
  | { readonly kind: "uniform"; readonly minval: number; readonly maxval: number }
  | { readonly kind: "normal"; readonly mean: number; readonly stddev: number }
  | { readonly kind: "constant"; readonly value: number };

/** What an initializer may be, for errors. */
export const INITIALIZER_RULE = `one of ${initializerNames.join(", ")}, { kind: "uniform", minval, maxval }, { kind: "normal", mean, stddev } or { kind: "constant", value }`;

/** An initializer from a user or a file; undefined where it is none. */
export function readInitializer(given: unknown): Initializer | undefined {
  const name = initializerNames.find((known) => known === given);
  if (name !== undefined) return name;
  if (typeof given === "object" && given !== null && "kind" in given) {
    const { kind, ...rest } = given;
    const numbers = rest as Readonly<Record<string, unknown>>;
    const finite = (...keys: readonly string[]): boolean =>
      Object.keys(numbers).length === keys.length && keys.every((key) => Number.isFinite(numbers[key]));
    const number = (key: string): number => numbers[key] as number;
    if (kind === "uniform" && finite("minval", "maxval") && number("minval") <= number("maxval"))
      return { kind, minval: number("minval"), maxval: number("maxval") };
    if (kind === "normal" && finite("mean", "stddev") && number("stddev") >= 0)
      return { kind, mean: number("mean"), stddev: number("stddev") };
    if (kind === "constant" && finite("value")) return { kind, value: number("value") };
  }
  return undefined;
}

function fill(size: number, next: () => number): Float32Array {
  const out = new Float32Array(size);
  for (let i = 0; i < size; i++) out[i] = next();
  return out;
}

/** A standard normal, drawn again beyond 2; its deviation is then 0.8796… of the normal's, which Keras makes up for. */
function truncatedNormal(stream: RandomStream): number {
  for (;;) {
    const value = stream.normal();
    if (Math.abs(value) <= 2) return value / 0.87962566103423978;
  }
}

/** A matrix [inputs, outputs], or a vector [outputs], row-major. */
export function initialize(initializer: Initializer, shape: readonly number[], stream: RandomStream): Float32Array {
  const outputs = shape.at(-1) ?? 1;
  const inputs = shape.length > 1 ? (shape[0] as number) : outputs;
  const size = shape.reduce((a, b) => a * b, 1);
  const uniform = (min: number, max: number) => fill(size, () => min + (max - min) * stream.uniform());
  const around = (square: number) => uniform(-Math.sqrt(square), Math.sqrt(square));
  const cutNormal = (variance: number) => fill(size, () => Math.sqrt(variance) * truncatedNormal(stream));
  switch (initializer) {
    case "zeros":
      return new Float32Array(size);
    case "ones":
      return new Float32Array(size).fill(1);
    case "glorotUniform":
      return around(6 / (inputs + outputs));
    case "glorotNormal":
      return cutNormal(2 / (inputs + outputs));
    case "heUniform":
      return around(6 / inputs);
    case "heNormal":
      return cutNormal(2 / inputs);
    case "lecunUniform":
      return around(3 / inputs);
    case "lecunNormal":
      return cutNormal(1 / inputs);
    case "orthogonal":
      return orthogonalMatrix(inputs, outputs, stream);
    case "uniform":
      return uniform(-0.05, 0.05);
    case "normal":
      return fill(size, () => 0.05 * stream.normal());
  }
  switch (initializer.kind) {
    case "uniform":
      return uniform(initializer.minval, initializer.maxval);
    case "normal":
      return fill(size, () => initializer.mean + initializer.stddev * stream.normal());
    case "constant":
      return new Float32Array(size).fill(initializer.value);
  }
}
