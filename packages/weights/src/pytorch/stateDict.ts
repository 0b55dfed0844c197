/** PyTorch state dicts: tensors by name, grouped into modules. */
import { bytesFrom, decodeSafetensors, ModelFileError, type Tensor, type Tensors } from "@ostinato/core";
import { expectTensors } from "../given.ts";
import { isZip } from "../zip.ts";

/** A place in a state dict: a module, or one layer and direction of a recurrent module. */
export interface Place {
  /** `classifier.fc`; empty if the state dict is that of the module itself. */
  readonly module: string;
  /** The suffix of its tensor names: `_l0`, `_l1_reverse`; empty for modules that are not recurrent. */
  readonly suffix: string;
}

/** A place with its tensors, by name without module and suffix: `weight_ih`. */
export interface StoredModule extends Place {
  readonly tensors: ReadonlyMap<string, Tensor>;
}

/** A tensor's name in the state dict. */
export const fullName = ({ module, suffix }: Place, name: string): string =>
  `${module === "" ? "" : `${module}.`}${name}${suffix}`;

/** The name of a place in maps and errors: `rnn.l0_reverse`. */
export const pathOf = ({ module, suffix }: Place): string =>
  [module, suffix.slice(1)].filter((word) => word !== "").join(".");

/** Names of unsupported modules, or of weights that are computed from others, with the alternative. */
const refusals: readonly (readonly [RegExp, string])[] = [
  [
    /(^|\.)weight_hr_l\d+(_reverse)?$/,
    "belongs to an LSTM with proj_size, which is not supported; write a cell with defineCell, and pass the weights by name",
  ],
  [
    /(^|\.)parametrizations\./,
    "belongs to a parametrization; remove it in Python before saving: torch.nn.utils.parametrize.remove_parametrizations(module, name)",
  ],
  [
    /(^|\.)weight(_(ih|hh)_l\d+(_reverse)?)?_[gv]$/,
    "belongs to weight_norm; remove it in Python before saving: torch.nn.utils.remove_weight_norm(module, name)",
  ],
  [
    /(^|\.)\w+_orig$/,
    "belongs to pruning or spectral_norm; remove it in Python before saving: torch.nn.utils.prune.remove(module, name), or remove_spectral_norm(module)",
  ],
  [
    /(^|\.)(in_proj_weight|[qkv]_proj_weight)$/,
    "belongs to a MultiheadAttention, which is not supported; export the model to ONNX and read it with importOnnx",
  ],
];

/** @throws ModelFileError with all names of unsupported tensors */
function expectReadable(names: readonly string[]): void {
  const found = refusals.flatMap(([pattern, why]) => {
    const name = names.find((each) => pattern.test(each));
    return name === undefined ? [] : [`"${name.slice(0, 100)}" ${why}`];
  });
  if (found.length > 0) throw new ModelFileError(`the state dict cannot be read: ${found.join("; ")}`);
}

/** The prefixes that wrappers add to all names: DataParallel, torch.compile, and the attribute of a wrapping module. */
const wrappers = /^(module|_orig_mod|model)\./;
const MOST_WRAPPERS = 8;

/** The prefix of all names in the state dict of a wrapped model. */
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

/** The place of a tensor, and its name there. */
export function placeOfName(name: string): Place & { readonly own: string } {
  const dot = name.lastIndexOf(".");
  const last = name.slice(dot + 1);
  const [, own = last, suffix = ""] = recurrent.exec(last) ?? [];
  return { module: name.slice(0, Math.max(dot, 0)), suffix, own };
}

/** A state dict, grouped into modules. */
export interface StateDict {
  /** The prefix that was removed from all names. */
  readonly wrapper: string;
  readonly modules: readonly StoredModule[];
}

/**
 * Groups a state dict into modules.
 *
 * @throws ModelFileError for names of unsupported tensors
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

/** The first bytes of other file formats, with a description and advice. */
const others: readonly (readonly [(bytes: Uint8Array) => boolean, string])[] = [
  [
    (bytes) => isZip(bytes) && memberName(bytes).endsWith("/data.pkl"),
    `this is a torch.save file. It is a pickle, which can run arbitrary code, so it is not read. Save its state dict as safetensors. ${wayOut}`,
  ],
  [
    // A protocol 2 pickle that starts with the magic number of torch.save before version 1.6.
    (bytes) => startsWith(bytes, [0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19]),
    `this is an old torch.save file. It is a pickle, which can run arbitrary code, so it is not read. Save its state dict as safetensors. ${wayOut}`,
  ],
  [
    (bytes) => isZip(bytes),
    "this is a zip archive; read a .npz archive with fromNpz, or a .keras model with importKeras",
  ],
  [
    (bytes) => startsWith(bytes, [0x89, 0x48, 0x44, 0x46]),
    "this is an HDF5 file; read Keras weights with loadKeras, or a Keras model with importKeras",
  ],
];

const startsWith = (bytes: Uint8Array, head: readonly number[]): boolean => head.every((byte, i) => bytes[i] === byte);

/** The name of the first member of a zip archive. */
function memberName(bytes: Uint8Array): string {
  const length = (bytes[26] as number) + 256 * (bytes[27] as number);
  return String.fromCharCode(...bytes.subarray(30, 30 + Math.min(length, 1000)));
}

/** Restores tied weights, which a file stores once, with the other name in the metadata (`safetensors.torch.save_model`). */
function withShared(tensors: Tensors, metadata: Readonly<Record<string, string>>): Tensors {
  const shared = Object.entries(metadata).filter(
    ([name, kept]) =>
      Object.hasOwn(tensors, kept) && !Object.hasOwn(tensors, name) && name !== "format" && name !== "__proto__",
  );
  return { ...tensors, ...Object.fromEntries(shared.map(([name, kept]) => [name, tensors[kept] as Tensor])) };
}

/**
 * The tensors of a safetensors file; tensors by name are returned unchanged.
 *
 * @throws ModelFileError for other file formats, with the function that reads them; ConfigError for values that are neither bytes nor tensors
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
