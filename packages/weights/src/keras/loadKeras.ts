/** Weights of Keras for a model of layers. */
import {
  ConfigError,
  type Float32Tensor,
  type Model,
  ModelFileError,
  OptionReader,
  showShape,
  type Tensors,
  type Trained,
} from "@ostinato/core";
import type { Dataset, Group } from "../hdf5/read.ts";
import { isChain } from "./chain.ts";
import { type KerasFile, readKerasFile } from "./files.ts";
import { isFields } from "./json.ts";
import { fileNameOf } from "./layers.ts";
import {
  folderOf,
  type LayerModules,
  layersWithWeights,
  readModule,
  shapesOf,
  signatureOf,
  variablesAt,
  wantedOf,
} from "./variables.ts";

/** Options of `loadKeras`. */
export interface LoadKerasOptions {
  /** Which layer of Keras is which layer of the model, where classes, names and shapes do not tell: `{ encoder: "lstm_1" }`, by the name that Keras gives the layer, or by that of its folder in the file. */
  readonly map?: Readonly<Record<string, string>>;
}

/** A layer of a file with its weights. */
interface Stored {
  /** What it may be called. */
  readonly names: readonly string[];
  /** The kind of layer by the file's name for it, `lstm`; files of Keras 2 do not tell. */
  readonly className: string | undefined;
  /** The shapes of its weights, in order. */
  readonly shapes: readonly (readonly number[])[];
  /** The arrays of each part of a layer of ours. */
  arrays(layer: LayerModules): readonly (readonly Dataset[])[];
}

/** All arrays below a group, in the order of their paths. */
const arraysBelow = (group: Group): Dataset[] =>
  [...group.members.values()].flatMap((member) => (member.kind === "group" ? arraysBelow(member) : [member]));

/** The layers of a file of Keras 3 that have weights: those of models inside of others, too. */
function placedLayers(group: Group, path: string): Stored[] {
  const layers = group.members.get("layers") ?? group.members.get("_layer_checkpoint_dependencies");
  if (layers?.kind !== "group") return [];
  const found = [...layers.members].flatMap(([file, layer]): (Stored & { readonly order: number })[] => {
    if (layer.kind !== "group") return [];
    const [, className = file, count = "0"] = /^(.*?)(?:_(\d+))?$/.exec(file) ?? [];
    const order = Number(count);
    const inside = placedLayers(layer, `${path}${file}/`);
    if (inside.length > 0) return inside.map((one) => ({ ...one, order }));
    const vars = layer.members.get("vars");
    const name = vars?.kind === "group" ? vars.attributes.name : undefined;
    const shapes = arraysBelow(layer).map(({ shape }) => shape);
    if (shapes.length === 0) return [];
    return [
      {
        names: [...(typeof name === "string" ? [name] : []), path + file],
        className,
        shapes,
        order,
        arrays: ({ modules }) => modules.map((module) => variablesAt(layer, folderOf(module))),
      },
    ];
  });
  return found.sort((a, b) => a.order - b.order);
}

function storedLayers({ weights }: KerasFile): Stored[] {
  if (weights.kind === "placed") return placedLayers(weights.root, "");
  return [...weights.layers]
    .filter(([, arrays]) => arrays.length > 0)
    .map(([name, arrays]) => ({
      names: [name],
      className: undefined,
      shapes: arrays.map(({ shape }) => shape),
      arrays: (layer) => {
        let at = 0;
        return layer.modules.map((module) => {
          const from = at;
          at += wantedOf(name, module).length;
          return arrays.slice(from, at);
        });
      },
    }));
}

/** A layer of the model that wants weights. */
interface Wanted extends LayerModules {
  readonly className: string | undefined;
  readonly label: string;
}

const shownShapes = (shapes: readonly (readonly number[])[]): string => shapes.map(showShape).join(", ");

const calledThere = ({ names, className }: Stored): string => `${className ?? "layer"} "${names[0]}"`;

/** A matching as it is made. */
interface Making {
  readonly found: Map<Wanted, Stored>;
  readonly missing: Set<Wanted>;
  readonly left: Set<Stored>;
  readonly problems: string[];
}

function take({ found, missing, left }: Making, wanted: Wanted, stored: Stored): void {
  found.set(wanted, stored);
  missing.delete(wanted);
  left.delete(stored);
}

const signature = (wanted: Wanted): string => signatureOf(shapesOf(wanted.label, wanted));

const fits = (wanted: Wanted, stored: Stored): boolean =>
  (stored.className === undefined || stored.className === wanted.className) &&
  signature(wanted) === signatureOf(stored.shapes);

/** Layers that a map names. */
function byMap(making: Making, map: Readonly<Record<string, string>>): void {
  for (const wanted of [...making.missing]) {
    const said = Object.hasOwn(map, wanted.layer) ? map[wanted.layer] : undefined;
    if (said === undefined) continue;
    const left = [...making.left];
    // The name of a layer goes before that of a folder.
    const stored = left.find(({ names }) => names[0] === said) ?? left.find(({ names }) => names.includes(said));
    if (stored) take(making, wanted, stored);
    else {
      making.problems.push(
        `map says that ${wanted.label} is "${said}", which the file does not have, or has for another layer`,
      );
      making.missing.delete(wanted);
    }
  }
}

/** Layers that a user gave the same name. Names that Keras and we give by counting mean nothing. */
function byName(making: Making): void {
  for (const wanted of [...making.missing]) {
    const { layer, className } = wanted;
    if (className !== undefined && (layer === className || layer.startsWith(`${className}_`))) continue;
    const named = [...making.left].filter((stored) => stored.names.includes(layer) && fits(wanted, stored));
    if (named.length === 1) take(making, wanted, named[0] as Stored);
  }
}

/** Layers of one class: the only ones of their shapes, or in the order of a chain. */
function byOrder(making: Making, inOrder: boolean): void {
  const classes = new Map<string | undefined, Wanted[]>();
  const told = [...making.left].every(({ className }) => className !== undefined);
  for (const wanted of making.missing) {
    const key = told ? wanted.className : undefined;
    classes.set(key, [...(classes.get(key) ?? []), wanted]);
  }
  for (const [className, wanted] of classes) {
    const stored = [...making.left].filter((one) => !told || one.className === className);
    if (stored.length === wanted.length && (inOrder || stored.length === 1)) {
      wanted.forEach((one, i) => {
        take(making, one, stored[i] as Stored);
      });
      continue;
    }
    for (const one of wanted) {
      const [mine, candidates] = [
        wanted.filter((other) => sameShapes(one, other)),
        stored.filter((other) => fits(one, other)),
      ];
      if (mine.length === 1 && candidates.length === 1) take(making, one, candidates[0] as Stored);
      else if (candidates.length > 0) {
        making.problems.push(
          `${one.label} may be ${candidates.map(calledThere).join(" or ")}; say which, map: { ${JSON.stringify(one.layer)}: ${JSON.stringify(candidates[0]?.names[0])} }`,
        );
        making.missing.delete(one);
      }
    }
  }
}

const sameShapes = (a: Wanted, b: Wanted): boolean => signature(a) === signature(b);

/** @throws ConfigError for a map that is none, or names a layer that the model does not have */
function readMap(map: unknown, wanted: readonly Wanted[]): Readonly<Record<string, string>> {
  if (map === undefined) return {};
  if (!isFields(map) || Object.values(map).some((value) => typeof value !== "string"))
    throw new ConfigError('loadKeras: map must be { layer: "layer of Keras" }');
  const unknown = Object.keys(map).find((name) => !wanted.some(({ layer }) => layer === name));
  if (unknown !== undefined)
    throw new ConfigError(
      `loadKeras: map names the layer "${unknown}", and the model has ${wanted.map(({ layer }) => layer).join(", ")}`,
    );
  return map as Readonly<Record<string, string>>;
}

/**
 * A model of ours with the weights of a file of Keras: `.weights.h5`, a `.keras` archive, or the older `.h5`. Layers are matched by class; of several of one class those of the same name, then those that alone have their
 * shapes, and in a chain in their order. Where that does not tell, `map` does. What of a model is in no file, or of a file in no model, is told in one error.
 *
 * @param model a model, or a trained one, whose vocabulary, metadata and losses are kept
 * @throws ModelFileError for a file that is damaged, and with names and shapes of both sides where it does not fit the model; ConfigError for a map that names no layer of the model
 * @example
 * const trained = loadKeras(sequential([embedding({ inputDim: 5000, outputDim: 32, maskZero: true }), lstm({ units: 64 }), dense({ units: 1 })]), await readFile("model.weights.h5"));
 */
export function loadKeras(
  model: Model | Trained,
  bytes: Uint8Array | ArrayBuffer,
  options: LoadKerasOptions = {},
): Trained {
  new OptionReader("loadKeras", options, ["map"]);
  const given: unknown = model;
  if (!isFields(given) || !isFields(given.spec))
    throw new ConfigError("loadKeras takes a model first, such as sequential([…]), or a trained one");
  const { spec } = model;
  const all = layersWithWeights(model).map((layer): Wanted => {
    const { kind } = spec.layers.find(({ name }) => name === layer.layer) ?? { kind: "layer" };
    return { ...layer, className: fileNameOf(kind), label: `${kind} "${layer.layer}"` };
  });
  const making: Making = {
    found: new Map(),
    missing: new Set(all),
    left: new Set(storedLayers(readKerasFile(bytes))),
    problems: [],
  };
  byMap(making, readMap(options.map, all));
  byName(making);
  byOrder(making, isChain(spec));
  const { missing, left, problems } = making;
  for (const wanted of missing) {
    problems.push(
      `${wanted.label} needs ${shownShapes(shapesOf(wanted.label, wanted))}, and the file has no such layer`,
    );
  }
  for (const stored of left)
    problems.push(`the file has beside them ${calledThere(stored)}, ${shownShapes(stored.shapes)}`);
  if (problems.length > 0)
    throw new ModelFileError(
      `loadKeras: the file does not fit the model:\n${problems.map((problem) => `- ${problem}`).join("\n")}`,
    );
  const found = all.flatMap((wanted): [string, Float32Tensor][] => {
    const arrays = (making.found.get(wanted) as Stored).arrays(wanted);
    return wanted.modules.flatMap((module, i) => readModule(`loadKeras: ${wanted.label}`, module, arrays[i] ?? []));
  });
  const own: Tensors = "weights" in model ? model.weights : {};
  return { ...model, weights: { ...own, ...Object.fromEntries(found) } };
}
