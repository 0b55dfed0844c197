/** Loads PyTorch weights into a model of layers. */
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
  /** Maps parts of the model to modules, for cases that names and shapes do not decide. */
  readonly map?: ModuleMap;
  /**
   * Require every weight of the model to be in the file, and every tensor of the file to be used. With false, unused tensors are ignored, and a `Trained`
   * keeps its own weights for parts that the file does not have; at least one part must be found. Default true, as in PyTorch's `load_state_dict`.
   */
  readonly strict?: boolean;
}

/** Converts a tensor of a file to float32. Failures are added to the problems. */
function asFloat32(name: string, tensor: Tensor, problems: string[]): Float32Tensor {
  if (tensor.dtype === "float32") return tensor;
  const data = Float32Array.from(tensor.data);
  if (tensor.dtype !== "float64")
    problems.push(
      `"${name.slice(0, 100)}" contains ${tensor.dtype === "bool" ? "booleans" : "integers"}; save the weights before quantization`,
    );
  else if (tensor.data.some((x, i) => Number.isFinite(x) && !Number.isFinite(data[i])))
    problems.push(`"${name.slice(0, 100)}" contains numbers outside the range of float32`);
  return float32(tensor.shape, data);
}

function weightsOf(slot: Slot, stored: StoredModule, problems: string[]): Record<string, Float32Tensor> {
  const tensors = [...stored.tensors].map(
    ([name, tensor]) => [name, asFloat32(fullName(stored, name), tensor, problems)] as const,
  );
  return slot.from(Object.fromEntries(tensors));
}

/** Tensors of the file that no part of the model uses. */
function leftOver({ left }: Matching): string[] {
  if (left.length === 0) return [];
  const names = left.flatMap((stored) =>
    [...stored.tensors].map(([name, { shape }]) => `${fullName(stored, name)} [${shape.join(", ")}]`),
  );
  return [`the file also has ${listed(names)}; use strict: false to ignore them`];
}

/** Parts of the model that the file does not have. */
function unfilled({ missing, found }: Matching, given: Tensors | undefined, strict: boolean): string[] {
  const kept = missing.map(([, why]) => why);
  if (strict || found.size === 0) return kept;
  if (given !== undefined) return [];
  return kept.map((why) => `${why}; to keep existing weights, pass a Trained instead of the model, with strict: false`);
}

/**
 * Loads the weights of a PyTorch model into a model, from a safetensors file or from tensors by name. Modules are matched with the parts of the model by name
 * and by unique shapes; layers of one `nn.LSTM` and modules of a list are matched in order. Use `map` for the remaining cases.
 *
 * - `nn.LSTM`, `nn.GRU`, `nn.RNN` and their cells: one `lstm`, `gru` or `simpleRnn` per layer, wrapped in `bidirectional` for `bidirectional=True`. The two biases of LSTM and RNN are added.
 * - `nn.Linear`: `dense`. `nn.Embedding`: `embedding`, or `reversibleEmbedding` if tied with an output. `nn.LayerNorm`: `layerNormalization`, whose `epsilon` must be set to PyTorch's, by default 1e-5.
 * - Parameters of other layers: weights with the same names and layout, such as `attention.kernel`.
 *
 * The prefixes `module.`, `_orig_mod.` and `model.` of all names are removed. Half-precision numbers become float32; double-precision numbers are rounded.
 *
 * @param model a model, or a trained model, which keeps its vocabulary, metadata and losses
 * @throws ModelFileError for a damaged or unsupported file; a single error lists all tensors that are missing, left over, ambiguous or of the wrong shape
 * @throws ConfigError for layers whose formula PyTorch does not have, such as `gru` with `resetAfter: false`, and for a map with an unknown part
 *
 * @example
 * const model = sequential([
 *   embedding({ inputDim: 5000, outputDim: 32, name: "embedding" }),
 *   lstm({ units: 64, returnSequences: true }),
 *   lstm({ units: 64 }),
 *   dense({ units: 1, activation: "sigmoid" }),
 * ]);
 * // For Embedding "embedding", LSTM "rnn" with num_layers=2, and Linear "fc".
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
