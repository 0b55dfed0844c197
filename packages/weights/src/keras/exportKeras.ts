/** Writes trained models as Keras 3 archives. */
import {
  type Float32Tensor,
  type Json,
  type Kind,
  layerOutputs,
  lossesToJson,
  type Model,
  type ModelSpec,
  OstinatoError,
  type Trained,
  UnsupportedOpError,
} from "@ostinato/core";
import { strToU8 } from "fflate";
import { expectTrained } from "../given.ts";
import { type Written, writeHdf5 } from "../hdf5/write.ts";
import { writeZip } from "../zip.ts";
import { isChain } from "./chain.ts";
import { functional, sequential, type Writing } from "./describe.ts";
import { memberNames } from "./files.ts";
import { readGraph } from "./graph.ts";
import { type Fields, parseFields } from "./json.ts";
import { fileName, type WrittenLayer, writeLayer } from "./layers.ts";
import { besideOperations, Names } from "./names.ts";
import { kerasOrder, type Operation } from "./order.ts";
import { layersWithWeights, shapesOf, signatureOf, writeModules } from "./variables.ts";

type Source = ModelSpec["outputs"][number]["source"];

/** Whether the model has masks in Keras. */
const hasMasks = ({ layers }: ModelSpec): boolean =>
  layers.some(({ kind, config }) => kind === "masking" || (config as Fields).maskZero === true);

/** The kinds of the results of each call. */
function kindsOf({ inputs, layers, calls }: ModelSpec): (readonly Kind[])[] {
  const kinds: (readonly Kind[])[] = [];
  for (const { layer, sources } of calls) {
    const reads = sources.map((source) =>
      "input" in source ? (inputs[source.input]?.kind as Kind) : (kinds[source.call]?.[source.output ?? 0] as Kind),
    );
    kinds.push(layerOutputs(layers[layer] as ModelSpec["layers"][number], reads) ?? []);
  }
  return kinds;
}

/** @throws UnsupportedOpError for inputs that Keras's layers do not accept */
function expectTaken({ inputs, layers, calls, outputs }: ModelSpec): void {
  const trees = inputs.find(({ tree }) => tree);
  if (trees)
    throw new UnsupportedOpError(
      `the input "${trees.name}" has tree: true, and Keras has no layers of trees; save the model as safetensors, with toBytes or toPytorch`,
    );
  const ragged = inputs.find(({ lengths }) => lengths);
  if (ragged)
    throw new UnsupportedOpError(
      `the input "${ragged.name}" has lengths: true, which Keras does not support; remove it, and use masking() to find the ends of rows`,
    );
  const kinds = kindsOf({ inputs, layers, calls, outputs });
  for (const { layer, sources } of calls) {
    const { kind, name } = layers[layer] as ModelSpec["layers"][number];
    const [query] = sources as [Source];
    const of = "input" in query ? inputs[query.input]?.kind : kinds[query.call]?.[query.output ?? 0];
    if (/attention$/i.test(kind) && of !== "sequence")
      throw new UnsupportedOpError(
        `${kind} "${name}" has features as its query, but Keras requires a sequence; add repeatVector({ n: 1 }) before it, or use exportOnnx`,
      );
  }
}

/** The weight folders by layer index: `lstm_1`. */
function foldersOf({ layers }: Writing, order: readonly Operation[]): ReadonlyMap<number, string> {
  const counts = new Map<string, number>();
  const folders = new Map<number, string>();
  for (const operation of order) {
    if (!("layer" in operation)) continue;
    const file = fileName((layers[operation.layer] as WrittenLayer).className);
    const count = counts.get(file) ?? 0;
    counts.set(file, count + 1);
    folders.set(operation.layer, count === 0 ? file : `${file}_${count}`);
  }
  return folders;
}

/** The order of layers in files. @throws UnsupportedOpError if it cannot be determined */
function orderOf(writing: Writing, model: Model): readonly Operation[] {
  const { spec, layers } = writing;
  const signatures = new Map(
    layersWithWeights(model).map((layer) => [layer.layer, signatureOf(shapesOf(layer.layer, layer))]),
  );
  // The order of layers without weights does not matter, and Keras distinguishes layers of different shapes.
  const classOf = (layer: number): string => {
    const signature = signatures.get(spec.layers[layer]?.name as string);
    return signature === undefined ? `${layer}` : `${layers[layer]?.className} ${signature}`;
  };
  const order = kerasOrder(spec, classOf);
  if (order) return order;
  throw new UnsupportedOpError(
    "the model has parallel layers of the same class and shape, whose order in a Keras file depends on the masks; write the weights with toNpz(trained.weights), or use exportOnnx",
  );
}

/** @throws UnsupportedOpError if Keras would compute different results */
function expectSame(config: Json): void {
  try {
    readGraph(parseFields(JSON.stringify(config), "the model"), { acceptDifferences: false, isOlder: false });
  } catch (error) {
    if (!(error instanceof OstinatoError)) throw error;
    throw new UnsupportedOpError(
      `the model would give different results in Keras: ${error.message}; exportOnnx supports every model`,
      { cause: error },
    );
  }
}

/**
 * Writes a trained model as a `.keras` archive for Keras 3: `keras.models.load_model("model.keras")`. A chain of layers becomes a Sequential model, other models become Functional models; several outputs become a dictionary by name. Vocabulary, metadata and losses
 * are stored in the archive's `metadata.json`, where `importKeras` finds them and Keras ignores them.
 *
 * The same model gives the same bytes.
 *
 * @throws UnsupportedOpError that names the layer and the option, for features without a Keras equivalent: `rnn` with cells, `lastStep`, `repeatAlong`, other kinds of attention, `stateful`, layers of trees, inputs with lengths, and masks that Keras ignores; ConfigError for values that are not trained models
 * @example await writeFile("model.keras", exportKeras(await trainer.snapshot()));
 */
export function exportKeras(trained: Trained): Uint8Array<ArrayBuffer> {
  expectTrained("exportKeras", trained);
  const { spec } = trained;
  expectTaken(spec);
  const names = new Names();
  const called = hasMasks(spec) ? besideOperations : (name: string) => name;
  const layerNames = spec.layers.map(({ name }) => names.take(called(name)));
  const layers = spec.layers.map((layer, i) => writeLayer({ ...layer, name: layerNames[i] as string }));
  const counts = new Map<number, number>();
  const uses = spec.calls.map(({ layer }) => {
    const use = counts.get(layer) ?? 0;
    counts.set(layer, use + 1);
    return use;
  });
  const writing: Writing = {
    spec,
    layers,
    inputNames: spec.inputs.map(({ name }) => names.take(called(name))),
    layerNames,
    uses,
  };
  const chain = isChain(spec);
  const order = chain ? spec.layers.map((_, layer): Operation => ({ layer })) : orderOf(writing, trained);
  const config = chain ? sequential(writing) : functional(writing, order);
  expectSame(config);
  const folders = foldersOf(writing, order);
  const weights = trained.weights as Readonly<Record<string, Float32Tensor>>;
  const owners = new Map(layersWithWeights(trained).map((layer) => [layer.layer, layer]));
  const groups = [...folders].flatMap(([index, folder]): [string, Written][] => {
    const owner = owners.get(spec.layers[index]?.name as string);
    return owner ? [[folder, writeModules(owner, weights)]] : [];
  });
  const { vocabulary, metadata } = trained;
  const losses = lossesToJson(trained);
  const own = {
    ...(vocabulary === undefined ? {} : { vocabulary }),
    ...(metadata === undefined ? {} : { metadata }),
    ...(losses === undefined ? {} : { losses }),
  };
  const json = (data: unknown): Uint8Array => strToU8(JSON.stringify(data));
  return writeZip({
    [memberNames.metadata]: json({ keras_version: "3.0.0", ...(Object.keys(own).length > 0 ? { ostinato: own } : {}) }),
    [memberNames.config]: json(config),
    [memberNames.weights]: writeHdf5({ members: { layers: { members: Object.fromEntries(groups) } } }),
  });
}
