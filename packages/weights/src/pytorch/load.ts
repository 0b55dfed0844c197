/** Weights of PyTorch for a model of layers. */
import {
  type Float32Tensor,
  float32,
  type Model,
  ModelFileError,
  OptionReader,
  parametersOf,
  type Tensor,
  type Tensors,
  type Trained,
} from "@ostinato/core";
import { expectModel } from "../given.ts";
import { type ModuleMap, readMap } from "./map.ts";
import { listed, type Matching, match } from "./match.ts";
import { type Slot, slotsOf } from "./slots.ts";
import { fullName, type StoredModule, stateDict, tensorsOf } from "./stateDict.ts";

/** Options of `loadPytorch`. */
export interface LoadPytorchOptions {
  /** Which module is which part of the model, where names and shapes do not tell. */
  readonly map?: ModuleMap;
  /**
   * Every weight of the model must be in the file, and every tensor of the file must be one. With false, what the file has beside them is left out, and a `Trained`
   * that is given keeps the weights that the file does not have; one part at least must be found. Default true, as of PyTorch's `load_state_dict`.
   */
  readonly strict?: boolean;
}

/** A tensor of a file as float32. What does not fit is added to the problems. */
function asFloat32(name: string, tensor: Tensor, problems: string[]): Float32Tensor {
  if (tensor.dtype === "float32") return tensor;
  const data = Float32Array.from(tensor.data);
  if (tensor.dtype !== "float64")
    problems.push(
      `"${name.slice(0, 100)}" holds ${tensor.dtype === "bool" ? "truth values" : "whole numbers"}; save the weights before they are quantized`,
    );
  else if (tensor.data.some((x, i) => Number.isFinite(x) && !Number.isFinite(data[i])))
    problems.push(`"${name.slice(0, 100)}" holds numbers beyond the range of float32`);
  return float32(tensor.shape, data);
}

function weightsOf(slot: Slot, stored: StoredModule, problems: string[]): Record<string, Float32Tensor> {
  const tensors = [...stored.tensors].map(
    ([name, tensor]) => [name, asFloat32(fullName(stored, name), tensor, problems)] as const,
  );
  return slot.from(Object.fromEntries(tensors));
}

/** What the file has beside the parts of the model. */
function leftOver({ left }: Matching): string[] {
  if (left.length === 0) return [];
  const names = left.flatMap((stored) =>
    [...stored.tensors].map(([name, { shape }]) => `${fullName(stored, name)} [${shape.join(", ")}]`),
  );
  return [`the file has beside it ${listed(names)}; strict: false leaves them out`];
}

/** What keeps a part that the file does not have. */
function unfilled({ missing, found }: Matching, given: Tensors | undefined, strict: boolean): string[] {
  const kept = missing.map(([, why]) => why);
  if (strict || found.size === 0) return kept;
  if (given !== undefined) return [];
  return kept.map((why) => `${why}; a Trained in the place of the model keeps its own with strict: false`);
}

/**
 * A model with the weights of a PyTorch model: of a safetensors file, or of tensors by name. Modules are matched with the parts of the model by their names, which are those
 * of the layers, and by the shapes of their tensors where these leave no choice; layers of one `nn.LSTM` and modules of a list are taken in their order. Where that does not tell, `map` does.
 *
 * - `nn.LSTM`, `nn.GRU`, `nn.RNN` and their cells: `lstm`, `gru`, `simpleRnn`, of each layer one; with `bidirectional=True` a `bidirectional` of them. The two biases of LSTM and RNN are added.
 * - `nn.Linear`: `dense`. `nn.Embedding`: `embedding`; tied with an output, `reversibleEmbedding`. `nn.LayerNorm`: `layerNormalization`, whose `epsilon` must be set as in PyTorch, there 1e-5.
 * - Parameters of other layers by the same names and in the same layout: `attention.kernel`.
 *
 * `module.`, `_orig_mod.` and `model.` before all names are taken off. Half-precision numbers become float32, double-precision ones are rounded.
 *
 * @param model a model, or a trained one, whose vocabulary, metadata and losses are kept
 * @throws ModelFileError for a file that is damaged or of another kind, and in one error all that is missing, left over, ambiguous or of another shape
 * @throws ConfigError for layers whose formula PyTorch does not have, such as `gru` with `resetAfter: false`, and for a map that names no part of the model
 *
 * @example
 * const model = sequential([
 *   embedding({ inputDim: 5000, outputDim: 32, name: "embedding" }),
 *   lstm({ units: 64, returnSequences: true }),
 *   lstm({ units: 64 }),
 *   dense({ units: 1, activation: "sigmoid" }),
 * ]);
 * // Of Embedding "embedding", LSTM "rnn" with num_layers=2, and Linear "fc".
 * const trained = loadPytorch(model, await readFile("model.safetensors"));
 */
export function loadPytorch(
  model: Model | Trained,
  file: Uint8Array | ArrayBuffer | Tensors,
  options: LoadPytorchOptions = {},
): Trained {
  expectModel("loadPytorch", model);
  const strict = new OptionReader("loadPytorch", options, ["map", "strict"]).boolean("strict", true);
  const given = "weights" in model ? model.weights : undefined;
  const slots = slotsOf(model);
  const matching = match(slots, stateDict(tensorsOf(file)), readMap("loadPytorch", options.map, slots));
  const problems = [...matching.problems, ...unfilled(matching, given, strict), ...(strict ? leftOver(matching) : [])];
  const found = Object.assign({}, ...[...matching.found].map(([slot, stored]) => weightsOf(slot, stored, problems)));
  if (problems.length > 0)
    throw new ModelFileError(
      `loadPytorch: the file does not fit the model:\n${problems.map((problem) => `- ${problem}`).join("\n")}`,
    );
  const all: Tensors = { ...given, ...found };
  const first = parametersOf(model).map(({ name }) => [name, all[name] as Tensor] as const);
  return { ...model, weights: { ...Object.fromEntries(first), ...all } };
}
