/** Trained models: what they are and what they learned, as plain data that knows no backend. */
import { ModelFileError } from "../errors.ts";
import { showShape } from "../ir/value.ts";
import type { Float32Tensor, Tensors } from "../tensor.ts";
import { buildModel } from "./build.ts";
import type { Json } from "./options.ts";
import type { ModelSpec } from "./spec.ts";

export interface Trained {
  readonly spec: ModelSpec;
  /** The parameters by name. */
  readonly weights: Tensors;
  /** How texts became ids: kept with the weights, which mean nothing without it. */
  readonly vocabulary?: Json;
  /** Whatever else belongs to the model. */
  readonly metadata?: { readonly [key: string]: Json };
}

/**
 * The weights that a model needs, out of those given.
 *
 * @throws ModelFileError where one is missing, has another shape or is not of the model
 */
export function checkWeights(spec: ModelSpec, weights: Tensors): Record<string, Float32Tensor> {
  const { parameters } = buildModel(spec);
  const known = new Set(parameters.map((parameter) => parameter.name));
  const unknown = Object.keys(weights).find((name) => !known.has(name));
  if (unknown !== undefined) throw new ModelFileError(`the weights "${unknown}" belong to no layer of the model`);
  return Object.fromEntries(
    parameters.map(({ name, shape }) => {
      const tensor = Object.hasOwn(weights, name) ? weights[name] : undefined;
      if (tensor === undefined) throw new ModelFileError(`the weights "${name}" are missing`);
      if (tensor.dtype !== "float32" || showShape(tensor.shape) !== showShape(shape)) {
        throw new ModelFileError(
          `the weights "${name}" are ${tensor.dtype}${showShape(tensor.shape)}; the model needs float32${showShape(shape)}`,
        );
      }
      return [name, tensor];
    }),
  );
}
