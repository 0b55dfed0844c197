/** The parts of a model as PyTorch modules: the module of each part, and the shapes of its tensors. */
import { ConfigError, type Float32Tensor, type Model, type Tensors, type Trained } from "@ostinato/core";
import { type ConvertedKind, fromLibrary, isConverted, shapesIn, toLibrary, withoutPlace } from "../conversions.ts";
import { type Module, modulesOf } from "../modules.ts";
import { grouped } from "./grouped.ts";
import { pathOf, placeOfName } from "./stateDict.ts";

type Shapes = Readonly<Record<string, readonly number[]>>;

/** A part of a model as a PyTorch module. */
export interface Slot {
  /** The part as named in maps: `encoder`, `tagger/forward`. */
  readonly path: string;
  /** The enclosing layer, which maps may name instead: `tagger`. */
  readonly layer?: string;
  /** Its name in errors: `lstm "encoder"`. */
  readonly label: string;
  /** The shapes of its tensors by PyTorch name, without module and suffix. */
  readonly shapes: Shapes;
  /** The default module name. */
  readonly module: string;
  /** Whether it is one layer and direction of a recurrent module, whose tensor names have a suffix. */
  readonly recurrent: boolean;
  /** Whether it is the backward direction of a bidirectional module. */
  readonly backward: boolean;
  /** Whether it is a recurrence that reads rows from end to start. */
  readonly reverse?: boolean;
  /** The PyTorch module, with the arguments that all its layers share; undefined for weights without one. */
  readonly built?: string;
  /** The part with which its `weight` is tied. */
  readonly tiedTo?: string;
  /** Converts its tensors, which have `shapes`, to weights by full name. */
  from(tensors: Readonly<Record<string, Float32Tensor>>): Record<string, Float32Tensor>;
  /** The inverse of `from`. */
  to(weights: Tensors): Record<string, Float32Tensor>;
}

/** The options with which our recurrences compute the same as PyTorch's. */
const required: Readonly<Record<string, Readonly<Record<string, readonly unknown[]>>>> = {
  lstm: { activation: ["tanh"], recurrentActivation: ["sigmoid"] },
  gru: { activation: ["tanh"], recurrentActivation: ["sigmoid"], resetAfter: [true] },
  simpleRnn: { activation: ["tanh", "relu"] },
};

/** @throws ConfigError for a layer whose formula no PyTorch module has */
function expectSameFormula({ path, kind, config }: Module): void {
  const options = config as Readonly<Record<string, unknown>>;
  for (const [option, values] of Object.entries(required[kind] ?? {}))
    if (!values.includes(options[option]))
      throw new ConfigError(
        `${kind} "${path}" has ${option}: ${JSON.stringify(options[option])}, but PyTorch's module only supports ${values.map((value) => JSON.stringify(value)).join(" or ")}`,
      );
}

/** Layers that are not separate modules in PyTorch; their parts are. */
const transparent = ["bidirectional", "timeDistributed"];

/** The words of a part's path, without layers that are not modules. */
const wordsOf = ({ path, around }: Module): string[] =>
  path.split("/").filter((_, i) => i === 0 || !transparent.includes(around[i - 1]?.kind as string));

/** The module of a part. */
const moduleOf = (module: Module): string => wordsOf(module).join(".");

/** Whether a part is the backward direction. @throws ConfigError if the backward layer comes first, which PyTorch does not support */
function isBackward({ path, around }: Module, config: Module["config"]): boolean {
  const pair = around.at(-1);
  if (pair?.kind !== "bidirectional") return false;
  const { reverse } = config as { readonly reverse: boolean };
  if (reverse !== path.endsWith("/backward"))
    throw new ConfigError(
      `bidirectional "${path.slice(0, path.lastIndexOf("/"))}" has its backward layer first, but PyTorch's modules have the forward layer first; swap the two`,
    );
  return reverse;
}

/** The PyTorch classes. */
const classes: Readonly<Partial<Record<ConvertedKind, string>>> = {
  embedding: "nn.Embedding",
  reversibleEmbedding: "nn.Embedding",
  dense: "nn.Linear",
  layerNormalization: "nn.LayerNorm",
  lstm: "nn.LSTM",
  gru: "nn.GRU",
  simpleRnn: "nn.RNN",
};

/** The PyTorch module of a part: `nn.RNN(hidden_size=2, nonlinearity="relu")`. */
function builtOf(kind: ConvertedKind, config: Module["config"], shapes: Shapes): string | undefined {
  const size = shapes.weight_hh?.[1];
  if (size === undefined) return classes[kind];
  const { activation } = config as { readonly activation: string };
  const nonlinearity = activation === "tanh" ? "" : `, nonlinearity="${activation}"`;
  return `${classes[kind]}(hidden_size=${size}${nonlinearity}${shapes.bias_ih ? "" : ", bias=False"})`;
}

const underPath = (path: string, weights: Readonly<Record<string, Float32Tensor>>): Record<string, Float32Tensor> =>
  Object.fromEntries(Object.entries(weights).map(([name, tensor]) => [`${path}/${name}`, tensor]));

/** A weight of a trained model. @throws ConfigError if it is missing */
function weightOf(weights: Tensors, name: string): Float32Tensor {
  const tensor = Object.hasOwn(weights, name) ? weights[name] : undefined;
  if (tensor?.dtype === "float32") return tensor;
  throw new ConfigError(`the weight "${name}" is missing; a trained model must have all weights of its layers`);
}

const ofPath = (path: string, shapes: Shapes, weights: Tensors): Record<string, Float32Tensor> =>
  Object.fromEntries(Object.keys(shapes).map((name) => [name, weightOf(weights, `${path}/${name}`)]));

/** A part that has a PyTorch module. */
function convertedSlot(module: Module & { readonly kind: ConvertedKind }, shapes: Shapes): Slot {
  const { path, kind, config } = module;
  expectSameFormula(module);
  const recurrent = Object.hasOwn(required, kind);
  const layer = wordsOf(module).join("/");
  const theirs = shapesIn("pytorch", kind, shapes);
  const built = builtOf(kind, config, theirs);
  return {
    path,
    ...(layer === path ? {} : { layer }),
    label: `${kind} "${path}"`,
    shapes: theirs,
    module: moduleOf(module),
    recurrent,
    ...(recurrent ? { reverse: (config as { readonly reverse: boolean }).reverse } : {}),
    ...(built === undefined ? {} : { built }),
    backward: recurrent && isBackward(module, config),
    from: (tensors) => underPath(path, fromLibrary("pytorch", kind, shapes, tensors)),
    to: (weights) => toLibrary("pytorch", kind, ofPath(path, shapes, weights)),
  };
}

/** Weights without a PyTorch module become parameters with the same names and layout. Each level of the path is a module. */
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

/** The output side of a reversible embedding: a linear module whose weight is that of the embedding. */
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
    built: "nn.Linear",
    tiedTo: path,
    from: (tensors) => (bias ? { [`${path}/bias`]: tensors.bias as Float32Tensor } : {}),
    to: (weights) => ({
      ...embedding.to(weights),
      ...(bias ? { bias: weightOf(weights, `${path}/bias`) } : {}),
    }),
  };
}

/** The number of calls of a layer. */
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
 * All parts of a model with weights; those of its losses come last.
 *
 * @throws ConfigError for layers whose formula no PyTorch module has
 */
export function slotsOf(model: Model & Pick<Trained, "losses">): Slot[] {
  const losses = Object.entries(model.losses ?? {}).flatMap(([output, { kind, parameters }]) =>
    plainSlots(kind, `${output}/${kind}`, `${output}.${kind}`, parameters),
  );
  return [...modulesOf(model).flatMap((module) => slotsOfModule(model, module)), ...losses];
}
