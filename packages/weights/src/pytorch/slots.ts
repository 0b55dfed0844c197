/** What the weights of a model are in PyTorch: which module each part would be there, and the shapes of its tensors. */
import { ConfigError, type Float32Tensor, type Model, type Tensors, type Trained } from "@ostinato/core";
import { type ConvertedKind, fromLibrary, isConverted, shapesIn, toLibrary, withoutPlace } from "../conversions.ts";
import { type Module, modulesOf } from "../modules.ts";
import { grouped } from "./grouped.ts";
import { pathOf, placeOfName } from "./stateDict.ts";

type Shapes = Readonly<Record<string, readonly number[]>>;

/** A part of a model as PyTorch has it. */
export interface Slot {
  /** The part, as maps name it: `encoder`, `tagger/forward`. */
  readonly path: string;
  /** The layer around it, which maps may name in its place: `tagger`. */
  readonly layer?: string;
  /** As errors call it: `lstm "encoder"`. */
  readonly label: string;
  /** The shapes of its tensors by PyTorch's names, without module and suffix. */
  readonly shapes: Shapes;
  /** The name of the module where no map says another. */
  readonly module: string;
  /** Whether it is a layer and direction of a recurrent module, whose names have a suffix. */
  readonly recurrent: boolean;
  /** Whether it is the backward direction of a bidirectional module. */
  readonly backward: boolean;
  /** Its `weight` is that of another part, with which it is tied. */
  readonly tiedTo?: string;
  /** Its weights here, by their whole names, from its tensors, which are of `shapes`. */
  from(tensors: Readonly<Record<string, Float32Tensor>>): Record<string, Float32Tensor>;
  /** The way back. */
  to(weights: Tensors): Record<string, Float32Tensor>;
}

/** What the recurrences of PyTorch compute, by our options. */
const required: Readonly<Record<string, Readonly<Record<string, readonly unknown[]>>>> = {
  lstm: { activation: ["tanh"], recurrentActivation: ["sigmoid"] },
  gru: { activation: ["tanh"], recurrentActivation: ["sigmoid"], resetAfter: [true] },
  simpleRnn: { activation: ["tanh", "relu"] },
};

/** @throws ConfigError for a layer whose formula no module of PyTorch has */
function expectSameFormula({ path, kind, config }: Module): void {
  const options = config as Readonly<Record<string, unknown>>;
  for (const [option, values] of Object.entries(required[kind] ?? {}))
    if (!values.includes(options[option]))
      throw new ConfigError(
        `${kind} "${path}" has ${option}: ${JSON.stringify(options[option])}, and the module of PyTorch computes with ${values.map((value) => JSON.stringify(value)).join(" or ")}; make the layer so`,
      );
}

/** Layers that are no modules of their own in PyTorch, where their parts are. */
const transparent = ["bidirectional", "timeDistributed"];

/** The words of a part's path, without those of layers that are no modules. */
const wordsOf = ({ path, around }: Module): string[] =>
  path.split("/").filter((_, i) => i === 0 || !transparent.includes(around[i - 1]?.kind as string));

/** The module that a part would be. */
const moduleOf = (module: Module): string => wordsOf(module).join(".");

/** Whether it is the backward half of both directions. @throws ConfigError where that half comes first, as it never does in PyTorch */
function isBackward({ path, around }: Module, config: Module["config"]): boolean {
  const pair = around.at(-1);
  if (pair?.kind !== "bidirectional") return false;
  const { reverse } = config as { readonly reverse: boolean };
  if (reverse !== path.endsWith("/backward"))
    throw new ConfigError(
      `bidirectional "${path.slice(0, path.lastIndexOf("/"))}" has its backward layer first, and the modules of PyTorch have the forward one first; turn the two round`,
    );
  return reverse;
}

const underPath = (path: string, weights: Readonly<Record<string, Float32Tensor>>): Record<string, Float32Tensor> =>
  Object.fromEntries(Object.entries(weights).map(([name, tensor]) => [`${path}/${name}`, tensor]));

/** A weight of a trained model. @throws ConfigError where it does not have it */
function weightOf(weights: Tensors, name: string): Float32Tensor {
  const tensor = Object.hasOwn(weights, name) ? weights[name] : undefined;
  if (tensor?.dtype === "float32") return tensor;
  throw new ConfigError(`the weights "${name}" are missing; a trained model has all that its layers ask for`);
}

const ofPath = (path: string, shapes: Shapes, weights: Tensors): Record<string, Float32Tensor> =>
  Object.fromEntries(Object.keys(shapes).map((name) => [name, weightOf(weights, `${path}/${name}`)]));

/** A part that PyTorch has a module for. */
function convertedSlot(module: Module & { readonly kind: ConvertedKind }, shapes: Shapes): Slot {
  const { path, kind, config } = module;
  expectSameFormula(module);
  const recurrent = Object.hasOwn(required, kind);
  const layer = wordsOf(module).join("/");
  return {
    path,
    ...(layer === path ? {} : { layer }),
    label: `${kind} "${path}"`,
    shapes: shapesIn("pytorch", kind, shapes),
    module: moduleOf(module),
    recurrent,
    backward: recurrent && isBackward(module, config),
    from: (tensors) => underPath(path, fromLibrary("pytorch", kind, shapes, tensors)),
    to: (weights) => toLibrary("pytorch", kind, ofPath(path, shapes, weights)),
  };
}

/** Weights that PyTorch has no module for are parameters of the same names and layout there. What is a folder here is a module there. */
function plainSlots(owner: string, path: string, module: string, shapes: Shapes): Slot[] {
  const places = Object.entries(shapes).map(([name, shape]) => {
    const full = `${module}.${name.replaceAll("/", ".")}`;
    return { weight: `${path}/${name}`, shape, ...placeOfName(full) };
  });
  const groups = [...grouped(places, pathOf).values()];
  return groups.map((weights): Slot => {
    const [first] = weights as [(typeof places)[number]];
    const folder = pathOf(first).slice(module.length).replaceAll(".", "/");
    return {
      path: path + folder,
      label: `${owner} "${path}${folder}"`,
      shapes: Object.fromEntries(weights.map(({ own, shape }) => [own, shape])),
      module: pathOf(first),
      recurrent: first.suffix !== "",
      backward: first.suffix.endsWith("_reverse"),
      from: (tensors) => Object.fromEntries(weights.map(({ own, weight }) => [weight, tensors[own] as Float32Tensor])),
      to: (given) => Object.fromEntries(weights.map(({ own, weight }) => [own, weightOf(given, weight)])),
    };
  });
}

/** The way back of an embedding that has one: a linear module whose weight is that of the embedding's module. */
function tiedSlot({ path, kind, shapes }: Module, embedding: Slot): Slot {
  const own = `${path}/reverse`;
  const { bias } = shapes;
  return {
    path: own,
    label: `the reverse of ${kind} "${path}"`,
    shapes: { ...embedding.shapes, ...(bias ? { bias } : {}) },
    module: `${embedding.module}_reverse`,
    recurrent: false,
    backward: false,
    tiedTo: path,
    from: (tensors) => (bias ? { [`${path}/bias`]: tensors.bias as Float32Tensor } : {}),
    to: (weights) => ({
      ...embedding.to(weights),
      ...(bias ? { bias: weightOf(weights, `${path}/bias`) } : {}),
    }),
  };
}

/** How often a layer is called. */
function callsOf({ spec: { layers, calls } }: Model, name: string): number {
  return calls.filter(({ layer }) => layers[layer]?.name === name).length;
}

function slotsOfModule(model: Model, module: Module): Slot[] {
  const { kind, path, shapes } = module;
  if (!isConverted(kind)) return plainSlots(kind, path, moduleOf(module), shapes);
  const without = withoutPlace("pytorch", kind, shapes);
  const [own, others] = [false, true].map((plain) =>
    Object.fromEntries(Object.entries(shapes).filter(([name]) => without.includes(name) === plain)),
  ) as [Shapes, Shapes];
  const converted = Object.keys(own).length > 0 ? [convertedSlot({ ...module, kind }, own)] : [];
  if (kind === "reversibleEmbedding") {
    const reversed = Object.hasOwn(others, "bias") || callsOf(model, path) > 1;
    return [...converted, ...(reversed ? converted.map((slot) => tiedSlot(module, slot)) : [])];
  }
  return [...converted, ...plainSlots(kind, path, moduleOf(module), others)];
}

/**
 * All parts of a model with weights, those of the losses that are kept with it last.
 *
 * @throws ConfigError for layers whose formula no module of PyTorch has
 */
export function slotsOf(model: Model & Pick<Trained, "losses">): Slot[] {
  const losses = Object.entries(model.losses ?? {}).flatMap(([output, { kind, parameters }]) =>
    plainSlots(kind, `${output}/${kind}`, `${output}.${kind}`, parameters),
  );
  return [...modulesOf(model).flatMap((module) => slotsOfModule(model, module)), ...losses];
}
