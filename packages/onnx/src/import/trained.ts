/** ONNX files of any origin as trained models. */
import {
  ConfigError,
  type Dim,
  graphTrained,
  ModelFileError,
  sizeOf,
  type Tensor,
  type Trained,
  UnsupportedOpError,
  type Value,
} from "@ostinato/core";
import { besideGraph, isDescribed, metadataOf } from "../description.ts";
import type { OnnxModel } from "../file/schema.ts";
import { decodeOnnx } from "../file/wire.ts";
import { withRestoredWeights } from "../types/restored.ts";
import { batchOf, bordersOf, expectOpen, type Found, openName, showFrozen, sizeNames, withBorders } from "./borders.ts";
import { type ExternalData, noExternalData } from "./external.ts";
import type { Computed, Imported, Stored } from "./imported.ts";
import { type LayersForm, layersForm } from "./layersForm.ts";
import { readGraph } from "./model.ts";
import { expectFittingOptions, expectKnownOptions, type ImportOptions } from "./options.ts";
import { readModel } from "./read.ts";
import { recognized } from "./recognition.ts";
import { importers } from "./table.ts";
import type { Read, SizeOf } from "./walk.ts";

/** A tensor of the caller in the place of an input. */
function given(name: string, tensor: Tensor): Stored {
  if (typeof tensor !== "object" || tensor === null || !ArrayBuffer.isView(tensor.data) || !Array.isArray(tensor.shape))
    throw new ConfigError(`importOnnx: the weights "${name}" are no tensor`);
  const { dtype, shape, data } = tensor;
  if (data.length !== sizeOf(shape)) throw new ConfigError(`importOnnx: the weights "${name}" do not fill their shape`);
  const numbers = dtype === "int32" ? "int" : dtype === "bool" ? "bool" : "float";
  return {
    kind: "stored",
    name,
    numbers,
    shape,
    data: dtype === "float64" ? Float32Array.from(data) : data,
    trained: true,
  };
}

/** Sizes as the caller says they are; other fixed ones of foreign files, which may be those of an example, are opened where batch and time can be. */
function sizesOf({ inputs = {} }: ImportOptions, opens: boolean): SizeOf {
  return (input, axis, dim, type, dims) => {
    const said = Object.hasOwn(inputs, input) ? inputs[input] : undefined;
    const asked = said?.[axis];
    if (said && said.length !== type.shape.length)
      throw new ConfigError(
        `importOnnx: the input "${input}" has ${type.shape.length} axes, and inputs says what ${said.length} are`,
      );
    if (typeof asked === "number" && typeof dim === "number" && asked !== dim)
      throw new ConfigError(`importOnnx: axis ${axis} of the input "${input}" has the size ${dim}, not ${asked}`);
    if (asked !== undefined) return asked;
    const name = openName(input, axis);
    if (dim === undefined) return name;
    // Of ids and of vectors over time the first two, unless others are open; of features the first.
    const named = type.shape.filter((each) => typeof each === "string").length;
    const canBeOpen = axis < (type.numbers === "int" || (type.shape.length === 3 && named < 2) ? 2 : 1);
    return typeof dim === "number" && opens && canBeOpen ? dims.open(name, dim) : dim;
  };
}

/** Values, with sizes that are multiplied apart. */
const valueIn = (imported: Imported, read: Read): Value =>
  imported.kind === "computed" ? (imported as Computed).value : read.made.value(imported);

const foundIn = (read: Read): Found => ({
  inputs: read.inputs,
  outputs: new Map([...read.outputs].map(([name, imported]) => [name, valueIn(imported, read)])),
});

/**
 * A model from an `.onnx` file of any origin, to be run, trained on, saved and exported. A file of `exportOnnx` becomes the model of layers that it was, with its vocabulary and
 * metadata, as long as its graph is still that of these layers. Any other becomes a model whose one layer is the graph (see `graphTrained`), with the
 * initializers as weights, called after the layer: `model/fc.weight`. Gate orders, layouts and directions are those of ONNX.
 *
 * Batch comes first, then time, then features, whatever the file has: axes are turned, further ones become features. Where the batch is, and which sizes are open, is found by
 * what recurrences read, by names such as "batch" and "time", and by order; `inputs` says it otherwise. Sizes of foreign files that are fixed, as of an example, are opened
 * where nothing needs them. Whole numbers [batch, time] are ids, and [batch] the lengths of rows; outputs of whole numbers become float32. Signs in names of inputs and outputs other
 * than letters, digits, "_", "-" and "." become "_".
 *
 * @throws ModelFileError for a damaged file; UnsupportedOpError for what has no form here, with the node, the operator, the reason and the way out; ConfigError for options
 *
 * @example
 * const trained = importOnnx(await readFile("model.onnx"));
 * await using trainer = await compile(trained, { backend: await cpu(), loss: binaryCrossentropy(), optimizer: adam() });
 */
export function importOnnx(bytes: Uint8Array | ArrayBuffer, options: ImportOptions = {}): Trained {
  return importWith(bytes, options, noExternalData);
}

/** `importOnnx` with tensors of other files. */
export function importWith(bytes: Uint8Array | ArrayBuffer, options: ImportOptions, external: ExternalData): Trained {
  expectKnownOptions(options);
  const model = withRestoredWeights(decodeOnnx(bytes));
  expectFittingOptions(
    options,
    (model.graph?.inputs ?? []).map((input) => input.name ?? ""),
  );
  const found = ofLayers(model, options, external);
  if ("trained" in found) return found.trained;
  if (options.form === "layers") throw new ModelFileError(`importOnnx: this is no model of layers: ${found.reason}`);
  return ofGraph(model, options, external);
}

/** What a file of ours says about the one layer of a graph is told by options that say something else. */
function ofLayers(
  model: OnnxModel,
  { form, layers, name, inputs, outputs, weights }: ImportOptions,
  external: ExternalData,
): LayersForm {
  const metadata = metadataOf(model);
  const asked = Object.entries({ name, inputs, outputs, weights }).find(([, value]) => value !== undefined);
  if (form === "graph") return { reason: "a graph is asked for" };
  if (!isDescribed(metadata)) return { reason: "exportOnnx did not write it, or its metadata was taken out" };
  if (asked) return { reason: `the option ${asked[0]} is for graphs` };
  return layersForm(metadata, readGraph(model, external), layers ? { layers } : {});
}

/** The graph of a file as a model. */
function ofGraph(model: OnnxModel, options: ImportOptions, external: ExternalData): Trained {
  const { name, outputs, weights = {} } = options;
  const isOurs = model.producerName === "ostinato";
  const base = {
    ...{ model, importers, external },
    ...(outputs === undefined ? {} : { outputs }),
    given: new Map(Object.entries(weights).map(([key, tensor]) => [key, given(key, tensor)])),
  };
  const first = readModel({ ...base, sizeOf: sizesOf(options, !isOurs) });
  expectOpen(first.frozen);
  const batch = batchOf(foundIn(first));
  if (batch === undefined)
    throw new UnsupportedOpError(
      `none of the sizes of its inputs is open, so that there is no batch${showFrozen(first.frozen) || "; { inputs } says which axis is what"}`,
    );
  const names = sizeNames(foundIn(first), batch);
  // Read once more with the names that sizes have here.
  const read = readModel({
    ...base,
    sizeOf: (input, axis) => {
      const dim = first.inputs.get(input)?.type.shape[axis] as Dim;
      return names.get(dim as string) ?? dim;
    },
  });
  const found = foundIn(read);
  const borders = bordersOf(found, first.frozen);
  const graph = recognized(withBorders(found, borders, isOurs));
  const order = borders.flatMap(({ ours }) =>
    "name" in ours.node.attrs && !`${ours.node.attrs.name}`.endsWith("/lengths") ? [`${ours.node.attrs.name}`] : [],
  );
  const trained = graphTrained(graph, Object.fromEntries(read.made.state), {
    ...(name === undefined ? {} : { name }),
    inputs: order,
  });
  // Losses are of outputs, and some of these may not be wanted.
  const beside = besideGraph(metadataOf(model), outputs === undefined ? trained.spec : undefined);
  return { ...trained, ...beside, weights: { ...trained.weights, ...beside.weights } };
}
