/** State dicts of PyTorch: tensors by name, and the modules that the names tell. */
import { bytesFrom, decodeSafetensors, ModelFileError, type Tensor, type Tensors } from "@ostinato/core";
import { expectTensors } from "../given.ts";
import { isZip } from "../zip.ts";

/** Where tensors are in a state dict: a module, or one layer and direction of a recurrent one. */
export interface Place {
  /** `classifier.fc`; empty where the state dict is that of the module itself. */
  readonly module: string;
  /** What stands behind the names of its tensors: `_l0`, `_l1_reverse`; empty for modules that are not recurrent. */
  readonly suffix: string;
}

/** A place with its tensors, by their names without module and suffix: `weight_ih`. */
export interface StoredModule extends Place {
  readonly tensors: ReadonlyMap<string, Tensor>;
}

/** A tensor's name in the state dict. */
export const fullName = ({ module, suffix }: Place, name: string): string =>
  `${module === "" ? "" : `${module}.`}${name}${suffix}`;

/** What maps and errors call a place: `rnn.l0_reverse`. */
export const pathOf = ({ module, suffix }: Place): string =>
  [module, suffix.slice(1)].filter((word) => word !== "").join(".");

/** Names of modules that have no layer here, or of weights that are computed of others, and the way out. */
const refusals: readonly (readonly [RegExp, string])[] = [
  [
    /(^|\.)weight_hr_l\d+(_reverse)?$/,
    "is of an LSTM with proj_size, which is no layer here; write it as a cell, with defineCell, and give it the weights by name",
  ],
  [
    /(^|\.)parametrizations\./,
    "is what a parametrization computes a weight of; in Python, before saving: torch.nn.utils.parametrize.remove_parametrizations(module, name)",
  ],
  [
    /(^|\.)weight(_(ih|hh)_l\d+(_reverse)?)?_[gv]$/,
    "is what weight_norm computes a weight of; in Python, before saving: torch.nn.utils.remove_weight_norm(module, name)",
  ],
  [
    /(^|\.)\w+_orig$/,
    "is what pruning or spectral_norm computes a weight of; in Python, before saving: torch.nn.utils.prune.remove(module, name), or remove_spectral_norm(module)",
  ],
  [
    /(^|\.)(in_proj_weight|[qkv]_proj_weight)$/,
    "is of a MultiheadAttention, which is no layer here; read such a model as ONNX, with importOnnx",
  ],
];

/** @throws ModelFileError with all names that tell what cannot be read */
function expectReadable(names: readonly string[]): void {
  const found = refusals.flatMap(([pattern, why]) => {
    const name = names.find((each) => pattern.test(each));
    return name === undefined ? [] : [`"${name.slice(0, 100)}" ${why}`];
  });
  if (found.length > 0) throw new ModelFileError(`the state dict cannot be read: ${found.join("; ")}`);
}

/** What wrappers put before all names: DataParallel, torch.compile, and the attribute of a wrapping module. */
const wrappers = /^(module|_orig_mod|model)\./;
const MOST_WRAPPERS = 8;

/** What stands before all names because the model was wrapped. */
function wrapperOf(names: readonly string[]): string {
  let taken = "";
  for (let i = 0; i < MOST_WRAPPERS; i++) {
    const prefix = wrappers.exec(names[0]?.slice(taken.length) ?? "")?.[0];
    if (prefix === undefined || !names.every((name) => name.startsWith(taken + prefix))) break;
    taken += prefix;
  }
  return taken;
}

const recurrent = /^((?:weight|bias)_(?:ih|hh))(_l\d{1,4}(?:_reverse)?)$/;

/** The place of a tensor, and its own name there. */
export function placeOfName(name: string): Place & { readonly own: string } {
  const dot = name.lastIndexOf(".");
  const last = name.slice(dot + 1);
  const [, own = last, suffix = ""] = recurrent.exec(last) ?? [];
  return { module: name.slice(0, Math.max(dot, 0)), suffix, own };
}

/** A state dict by its modules. */
export interface StateDict {
  /** What was taken off of all names. */
  readonly wrapper: string;
  readonly modules: readonly StoredModule[];
}

/**
 * The modules of a state dict.
 *
 * @throws ModelFileError for names that tell what cannot be read
 */
export function stateDict(tensors: Tensors): StateDict {
  const names = Object.keys(tensors);
  expectReadable(names);
  const wrapper = wrapperOf(names);
  const modules = new Map<string, Place & { readonly tensors: Map<string, Tensor> }>();
  for (const name of names) {
    const { module, suffix, own } = placeOfName(name.slice(wrapper.length));
    const key = `${module} ${suffix}`;
    const stored = modules.get(key) ?? { module, suffix, tensors: new Map() };
    modules.set(key, stored);
    stored.tensors.set(own, tensors[name] as Tensor);
  }
  return { wrapper, modules: [...modules.values()] };
}

const wayOut = `In Python:
  from safetensors.torch import save_file
  save_file({name: tensor.contiguous() for name, tensor in torch.load("model.pt", map_location="cpu").items()}, "model.safetensors")`;

/** The first bytes of files of other kinds, what they are, and what to do with them. */
const others: readonly (readonly [(bytes: Uint8Array) => boolean, string])[] = [
  [
    (bytes) => isZip(bytes) && memberName(bytes).endsWith("/data.pkl"),
    `this is a file of torch.save: a pickle, which could run any code and is not read here. Write its state dict as safetensors. ${wayOut}`,
  ],
  [
    // A pickle of protocol 2, which begins with the number that torch.save wrote until version 1.6.
    (bytes) => startsWith(bytes, [0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19]),
    `this is an old file of torch.save: a pickle, which could run any code and is not read here. Write its state dict as safetensors. ${wayOut}`,
  ],
  [
    (bytes) => isZip(bytes),
    "this is a zip archive; read the arrays of a .npz with fromNpz, and a .keras model with importKeras",
  ],
  [
    (bytes) => startsWith(bytes, [0x89, 0x48, 0x44, 0x46]),
    "this is an HDF5 file; weights of Keras are read with loadKeras, and models with importKeras",
  ],
];

const startsWith = (bytes: Uint8Array, head: readonly number[]): boolean => head.every((byte, i) => bytes[i] === byte);

/** The name of the first member of a zip archive. */
function memberName(bytes: Uint8Array): string {
  const length = (bytes[26] as number) + 256 * (bytes[27] as number);
  return String.fromCharCode(...bytes.subarray(30, 30 + Math.min(length, 1000)));
}

/** Weights that are the same tensor have one entry in a file, whose metadata has the other name (`safetensors.torch.save_model`). */
function withShared(tensors: Tensors, metadata: Readonly<Record<string, string>>): Tensors {
  const shared = Object.entries(metadata).filter(
    ([name, kept]) =>
      Object.hasOwn(tensors, kept) && !Object.hasOwn(tensors, name) && name !== "format" && name !== "__proto__",
  );
  return { ...tensors, ...Object.fromEntries(shared.map(([name, kept]) => [name, tensors[kept] as Tensor])) };
}

/**
 * The tensors of a safetensors file, or those that were read already.
 *
 * @throws ModelFileError for files of other kinds, with what reads them; ConfigError for what is neither bytes nor tensors
 */
export function tensorsOf(given: Uint8Array | ArrayBuffer | Tensors): Tensors {
  const isRecord = Object.prototype.toString.call(given) === "[object Object]";
  if (isRecord) return expectTensors("loadPytorch takes the bytes of a safetensors file, or tensors by name", given);
  const bytes = bytesFrom(given);
  const other = others.find(([is]) => is(bytes));
  if (other) throw new ModelFileError(other[1]);
  const { tensors, metadata } = decodeSafetensors(bytes);
  return withShared(tensors, metadata);
}
