/** Initial weights, by Keras's names and definitions. */
import { ConfigError } from "../errors.ts";
import type { RandomStream } from "../random.ts";
import { orthogonalMatrix } from "./orthogonal.ts";

/** Initializers without options. */
export const initializerNames = ["zeros", "ones", "glorotUniform", "glorotNormal", "orthogonal", "uniform"] as const;

/**
 * How a parameter begins. `glorotUniform`: U(-l, l) with l = √(6 / (in + out)); `glorotNormal`: normal with σ = √(2 / (in + out)), cut at 2σ;
 * `orthogonal`: orthonormal rows or columns, the shorter ones; `uniform`: U(-0.05, 0.05), or within the bounds of the object form.
 */
export type Initializer =
  | (typeof initializerNames)[number]
  | { readonly kind: "uniform"; readonly minval: number; readonly maxval: number };

/** An initializer from a user or a file, or a `ConfigError` that begins with `owner`. */
export function parseInitializer(owner: string, given: unknown): Initializer {
  const name = initializerNames.find((known) => known === given);
  if (name !== undefined) return name;
  if (typeof given === "object" && given !== null && "kind" in given && "minval" in given && "maxval" in given) {
    const { kind, minval, maxval } = given;
    if (
      kind === "uniform" &&
      Number.isFinite(minval) &&
      Number.isFinite(maxval) &&
      (minval as number) <= (maxval as number)
    ) {
      return { kind, minval: minval as number, maxval: maxval as number };
    }
  }
  throw new ConfigError(
    `${owner} must be one of ${initializerNames.join(", ")} or { kind: "uniform", minval, maxval }`,
  );
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
  const within = (min: number, max: number) => (): number => min + (max - min) * stream.uniform();
  switch (initializer) {
    case "zeros":
      return new Float32Array(size);
    case "ones":
      return new Float32Array(size).fill(1);
    case "glorotUniform": {
      const limit = Math.sqrt(6 / (inputs + outputs));
      return fill(size, within(-limit, limit));
    }
    case "glorotNormal": {
      const deviation = Math.sqrt(2 / (inputs + outputs));
      return fill(size, () => deviation * truncatedNormal(stream));
    }
    case "orthogonal":
      return orthogonalMatrix(inputs, outputs, stream);
    case "uniform":
      return fill(size, within(-0.05, 0.05));
    default:
      return fill(size, within(initializer.minval, initializer.maxval));
  }
}
