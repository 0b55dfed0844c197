/** Trained models: what they are and what they learned, as plain data that knows no backend. */
import { ConfigError, ModelFileError, ShapeError } from "../errors.ts";
import { showShape } from "../ir/value.ts";
import type { Float32Tensor, Tensor, Tensors } from "../tensor.ts";
import { buildModel } from "./build.ts";
import { isRecord, type Json, shown } from "./options.ts";
import type { ModelSpec } from "./spec.ts";

/** A model with its weights, as plain data. */
export interface Trained {
  readonly spec: ModelSpec;
  /** The parameters by name. */
  readonly weights: Tensors;
  /** How texts became ids: kept with the weights, which mean nothing without it. */
  readonly vocabulary?: Json;
  /** Whatever else belongs to the model. */
  readonly metadata?: { readonly [key: string]: Json };
}

/** @throws ConfigError where it is no trained model: one that was never trained, a trainer, or a promise of one */
export function expectTrained(owner: string, trained: unknown): void {
  if (isRecord(trained) && isRecord(trained.spec) && isRecord(trained.weights)) return;
  const untrained = isRecord(trained) && isRecord(trained.spec) ? "a model without weights" : shown(trained);
  throw new ConfigError(
    `${owner}: the model must be what await trainer.snapshot() or await loadModel(…) gave, got ${untrained}`,
  );
}

function isFor(tensor: Tensor, shape: readonly number[]): tensor is Float32Tensor {
  return tensor.dtype === "float32" && showShape(tensor.shape) === showShape(shape);
}

function mismatch(name: string, tensor: Tensor, shape: readonly number[]): string {
  return `the weights "${name}" are ${tensor.dtype}${showShape(tensor.shape)}; the model needs float32${showShape(shape)}`;
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
      if (!isFor(tensor, shape)) throw new ModelFileError(mismatch(name, tensor, shape));
      return [name, tensor];
    }),
  );
}

/**
 * Weights for some of a model's parameters to begin with, such as vectors made elsewhere: `{ "embedding/embeddings": … }`. They are data,
 * and so they are no options of a layer, which would carry them into the description of the model.
 *
 * @throws ConfigError for a name that no parameter has, with those that there are; ShapeError for another shape or data type
 */
export function checkInitialWeights(spec: ModelSpec, weights: Tensors): Record<string, Float32Tensor> {
  const { parameters } = buildModel(spec);
  const known = new Map(parameters.map((parameter) => [parameter.name, parameter]));
  return Object.fromEntries(
    Object.entries(weights).map(([name, tensor]) => {
      const parameter = known.get(name);
      if (parameter === undefined)
        throw new ConfigError(
          `the initial weights "${name}" belong to no layer of the model; it has ${[...known.keys()].join(", ")}`,
        );
      if (!isFor(tensor, parameter.shape)) throw new ShapeError(mismatch(name, tensor, parameter.shape));
      return [name, tensor];
    }),
  );
}
