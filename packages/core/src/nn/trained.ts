/** Trained models: what they are and what they learned, as plain data that knows no backend. */
import { ConfigError, ModelFileError, ShapeError } from "../errors.ts";
import { showShape } from "../ir/value.ts";
import { type Float32Tensor, float32, sizeOf, type Tensor, type Tensors } from "../tensor.ts";
import { buildModel } from "./build.ts";
import type { ParameterSpec } from "./layer.ts";
import { isName, isRecord, type Json, shown } from "./options.ts";
import type { ModelSpec } from "./spec.ts";

/** A loss that belongs to a trained model: by its options and by what it learned predictions are read. */
export interface TrainedLoss {
  readonly kind: string;
  readonly options: { readonly [name: string]: Json };
  /** The shapes of its parameters by name. They are among the weights, called after the output and the kind: `tags/crf/transitions`. */
  readonly parameters: Readonly<Record<string, readonly number[]>>;
}

/** A model with its weights, as plain data. */
export interface Trained {
  readonly spec: ModelSpec;
  /** The parameters by name: of the layers, and of the losses that have some. */
  readonly weights: Tensors;
  /** By the output, the losses that predictions are read by, such as a CRF. Most losses end with training and are not among them. */
  readonly losses?: Readonly<Record<string, TrainedLoss>>;
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

/** What a parameter of a loss is called among the weights. */
export const lossParameter = (output: string, kind: string, name: string): string => `${output}/${kind}/${name}`;

/** Names and shapes of weights. */
type Wanted = readonly Pick<ParameterSpec, "name" | "shape">[];

/** The parameters of all losses that are kept. */
export const lossParametersOf = ({ losses = {} }: Pick<Trained, "losses">): Wanted =>
  Object.entries(losses).flatMap(([output, { kind, parameters }]) =>
    Object.entries(parameters).map(([name, shape]) => ({ name: lossParameter(output, kind, name), shape })),
  );

function chosen(wanted: Wanted, weights: Tensors): Record<string, Float32Tensor> {
  return Object.fromEntries(
    wanted.map(({ name, shape }) => {
      const tensor = Object.hasOwn(weights, name) ? weights[name] : undefined;
      if (tensor === undefined) throw new ModelFileError(`the weights "${name}" are missing`);
      if (!isFor(tensor, shape)) throw new ModelFileError(mismatch(name, tensor, shape));
      return [name, tensor];
    }),
  );
}

/** @throws ModelFileError for weights that nothing asks for */
function expectKnown(wanted: Wanted, weights: Tensors): void {
  const known = new Set(wanted.map(({ name }) => name));
  const unknown = Object.keys(weights).find((name) => !known.has(name));
  if (unknown !== undefined) throw new ModelFileError(`the weights "${unknown}" belong to no layer of the model`);
}

/**
 * The weights that belong to a trained model, those of its losses among them, and no others.
 *
 * @throws ModelFileError where one is missing, has another shape or is not of the model
 */
export function checkWeights(trained: Pick<Trained, "spec" | "weights" | "losses">): Record<string, Float32Tensor> {
  const wanted = [...buildModel(trained.spec).parameters, ...lossParametersOf(trained)];
  expectKnown(wanted, trained.weights);
  return chosen(wanted, trained.weights);
}

/** The weights of the layers: all that prediction needs. @throws ModelFileError as `checkWeights` */
export function layerWeights(trained: Pick<Trained, "spec" | "weights" | "losses">): Record<string, Float32Tensor> {
  const { parameters } = buildModel(trained.spec);
  expectKnown([...parameters, ...lossParametersOf(trained)], trained.weights);
  return chosen(parameters, trained.weights);
}

/** The weights of the losses. @throws ModelFileError where one is missing or has another shape */
export function lossWeights(trained: Pick<Trained, "weights" | "losses">): Record<string, Float32Tensor> {
  return chosen(lossParametersOf(trained), trained.weights);
}

/**
 * Weights for some of the parameters to begin with, such as vectors made elsewhere: `{ "embedding/embeddings": … }`. They are data,
 * and so they are no options of a layer, which would carry them into the description of the model.
 *
 * @param parameters of the layers, and of the losses that the model is trained with
 * @throws ConfigError for a name that no parameter has, with those that there are; ShapeError for another shape or data type
 */
export function checkInitialWeights(
  parameters: readonly ParameterSpec[],
  weights: Tensors,
): Record<string, Float32Tensor> {
  const known = new Map(parameters.map((parameter) => [parameter.name, parameter]));
  return Object.fromEntries(
    Object.entries(weights).map(([name, tensor]) => {
      const parameter = known.get(name);
      if (parameter === undefined)
        throw new ConfigError(
          `the initial weights "${name}" belong to no layer of the model${name.split("/").length > 2 ? ", and to no loss that it is compiled with" : ""}; it has ${[...known.keys()].join(", ")}`,
        );
      if (!isFor(tensor, parameter.shape)) throw new ShapeError(mismatch(name, tensor, parameter.shape));
      return [name, tensor];
    }),
  );
}

/** As many dimensions and parameters as a loss has in good faith. */
const MOST_DIMENSIONS = 16;

/**
 * The losses of a model from a file of unknown origin. What they are is left to those who read predictions by them.
 *
 * @throws ModelFileError
 */
export function parseLosses(data: unknown, { outputs }: ModelSpec): Trained["losses"] {
  if (data === undefined) return undefined;
  const wrong = (what: string): ModelFileError => new ModelFileError(`the model file is damaged: ${what}`);
  if (!isRecord(data)) throw wrong("its losses are not an object");
  const losses = Object.entries(data).map(([output, loss]): [string, TrainedLoss] => {
    const which = `the loss of ${shown(output)}`;
    if (!outputs.some(({ name }) => name === output)) throw wrong(`${which} is of no output of the model`);
    if (!isRecord(loss) || !isName(loss.kind)) throw wrong(`${which} has no kind`);
    const { kind, options, parameters } = loss;
    if (!isRecord(options) || !isRecord(parameters)) throw wrong(`${which} has no options or no parameters`);
    for (const [name, shape] of Object.entries(parameters)) {
      const isShape =
        Array.isArray(shape) &&
        shape.length <= MOST_DIMENSIONS &&
        shape.every((size) => Number.isSafeInteger(size) && size > 0);
      if (!name.split("/").every(isName) || !isShape) throw wrong(`${which} has a parameter without a name or a shape`);
    }
    return [
      output,
      { kind, options: options as TrainedLoss["options"], parameters: parameters as TrainedLoss["parameters"] },
    ];
  });
  return Object.fromEntries(losses);
}

/**
 * The losses of a trained model with their weights as plain data, for files in which weights are part of a graph; undefined where it has none.
 *
 * @example metadata.losses = JSON.stringify(lossesToJson(trained))
 */
export function lossesToJson(trained: Pick<Trained, "weights" | "losses">): Json | undefined {
  const { losses } = trained;
  if (losses === undefined) return undefined;
  const weights = Object.entries(lossWeights(trained)).map(([name, { data }]) => [name, [...data]] as const);
  return { losses: losses as unknown as Json, weights: Object.fromEntries(weights) };
}

/**
 * Losses and their weights from what `lossesToJson` gave, of unknown origin; none from undefined.
 *
 * @param spec the model that they are of
 * @throws ModelFileError
 */
export function lossesFromJson(data: unknown, spec: ModelSpec): Pick<Trained, "weights" | "losses"> {
  if (data === undefined) return { weights: {} };
  if (!isRecord(data) || !isRecord(data.weights))
    throw new ModelFileError("the model file is damaged: its losses are not { losses, weights }");
  const losses = parseLosses(data.losses, spec) ?? {};
  const given = data.weights;
  const weights = lossParametersOf({ losses }).map(({ name, shape }) => {
    const numbers = Object.hasOwn(given, name) ? given[name] : undefined;
    if (!Array.isArray(numbers) || numbers.length !== sizeOf(shape) || !numbers.every(Number.isFinite))
      throw new ModelFileError(`the model file is damaged: "${name}" must be ${sizeOf(shape)} numbers`);
    return [name, float32(shape, numbers)] as const;
  });
  return { losses, weights: Object.fromEntries(weights) };
}
