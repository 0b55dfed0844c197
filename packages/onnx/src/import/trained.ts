/** Imports ONNX files from any tool as trained models. */
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
import { expectNoTrees } from "./tree.ts";
import { expectNotUnrolled } from "./unrolled.ts";
import type { Read, SizeOf } from "./walk.ts";

/** A tensor from the caller that replaces an input. */
function given(name: string, tensor: Tensor): Stored {
  if (typeof tensor !== "object" || tensor === null || !ArrayBuffer.isView(tensor.data) || !Array.isArray(tensor.shape))
    throw new ConfigError(`importOnnx: the weight "${name}" is not a tensor`);
  const { dtype, shape, data } = tensor;
  if (data.length !== sizeOf(shape))
    throw new ConfigError(`importOnnx: the data of the weight "${name}" does not fit its shape`);
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

/** Applies the sizes given by the caller. In files of other tools, other fixed sizes at the positions of batch and time become dynamic. */
function sizesOf({ inputs = {} }: ImportOptions, opens: boolean): SizeOf {
  return (input, axis, dim, type, dims) => {
    const said = Object.hasOwn(inputs, input) ? inputs[input] : undefined;
    const asked = said?.[axis];
    if (said && said.length !== type.shape.length)
      throw new ConfigError(
        `importOnnx: the input "${input}" has ${type.shape.length} axes, but inputs lists ${said.length}`,
      );
    if (typeof asked === "number" && typeof dim === "number" && asked !== dim)
      throw new ConfigError(`importOnnx: axis ${axis} of the input "${input}" has size ${dim}, not ${asked}`);
    if (asked !== undefined) return asked;
    const name = openName(input, axis);
    if (dim === undefined) return name;
    // For ids and for sequences, the first two, unless others are dynamic; for features, the first.
    const named = type.shape.filter((each) => typeof each === "string").length;
    const canBeOpen = axis < (type.numbers === "int" || (type.shape.length === 3 && named < 2) ? 2 : 1);
    return typeof dim === "number" && opens && canBeOpen ? dims.open(name, dim) : dim;
  };
}

/** The values with merged sizes split. */
const valueIn = (imported: Imported, read: Read): Value =>
  imported.kind === "computed" ? (imported as Computed).value : read.made.value(imported);

const foundIn = (read: Read): Found => ({
  inputs: read.inputs,
  outputs: new Map([...read.outputs].map(([name, imported]) => [name, valueIn(imported, read)])),
});

/**
 * Imports an `.onnx` file from any tool as a model that can be run, trained further, saved and exported. A file written by `exportOnnx` becomes the original model of layers, with its vocabulary and
 * metadata, if its graph is still that of the layers. Any other file becomes a model with one layer, the graph (see `graphTrained`). The
 * initializers become its weights, named after the layer: `model/fc.weight`. Gate orders, layouts and directions are those of ONNX.
 *
 * In the model, the batch comes first, then time, then features. Axes in another order are transposed, and further axes are merged into features. The batch axis and the dynamic sizes are inferred from
 * recurrences, from names such as "batch" and "time", and from order; `inputs` overrides this. In files of other tools, sizes that are fixed because an example was traced become dynamic,
 * unless a node needs them. Integer inputs [batch, time] are ids, and [batch] are row lengths; integer outputs become float32. In names of inputs and outputs, characters other
 * than letters, digits, "_", "-" and "." are replaced with "_".
 *
 * @throws ModelFileError for a damaged file; UnsupportedOpError for unsupported models, with the node, the operator, the reason and the solution; ConfigError for invalid options
 *
 * @example
 * const trained = importOnnx(await readFile("model.onnx"));
 * await using trainer = await compile(trained, { backend: await cpu(), loss: binaryCrossentropy(), optimizer: adam() });
 */
export function importOnnx(bytes: Uint8Array | ArrayBuffer, options: ImportOptions = {}): Trained {
  return importWith(bytes, options, noExternalData);
}

/** `importOnnx` with external data. */
export function importWith(bytes: Uint8Array | ArrayBuffer, options: ImportOptions, external: ExternalData): Trained {
  expectKnownOptions(options);
  const model = withRestoredWeights(decodeOnnx(bytes));
  expectFittingOptions(
    options,
    (model.graph?.inputs ?? []).map((input) => input.name ?? ""),
  );
  const found = ofLayers(model, options, external);
  if ("trained" in found) return found.trained;
  if (options.form === "layers")
    throw new ModelFileError(`importOnnx: the file does not contain a model of layers: ${found.reason}`);
  return ofGraph(model, options, external, found.reason);
}

/** Options that override the metadata of our own file, which describes its layers. */
function ofLayers(
  model: OnnxModel,
  { form, layers, name, inputs, outputs, weights }: ImportOptions,
  external: ExternalData,
): LayersForm {
  const metadata = metadataOf(model);
  const asked = Object.entries({ name, inputs, outputs, weights }).find(([, value]) => value !== undefined);
  if (form === "graph") return { reason: 'the option form is "graph"' };
  if (!isDescribed(metadata)) return { reason: "it was not written by exportOnnx, or its metadata was removed" };
  if (asked) return { reason: `the option ${asked[0]} only applies to graphs` };
  return layersForm(metadata, readGraph(model, external), layers ? { layers } : {});
}

/** Imports the graph of a file, which contains no model of layers for this reason, as a model. */
function ofGraph(model: OnnxModel, options: ImportOptions, external: ExternalData, reason: string): Trained {
  const { name, outputs, weights = {} } = options;
  const isOurs = model.producerName === "ostinato";
  const base = {
    ...{ model, importers, external },
    ...(outputs === undefined ? {} : { outputs }),
    given: new Map(Object.entries(weights).map(([key, tensor]) => [key, given(key, tensor)])),
  };
  const first = readModel({ ...base, sizeOf: sizesOf(options, !isOurs) });
  expectNoTrees(foundIn(first), reason);
  expectOpen(first.frozen);
  expectNotUnrolled(foundIn(first), first.dims);
  const batch = batchOf(foundIn(first));
  if (batch === undefined)
    throw new UnsupportedOpError(
      `its inputs have no dynamic size, so there is no batch axis${showFrozen(first.frozen) || "; define the axes with { inputs }"}`,
    );
  const names = sizeNames(foundIn(first), batch);
  // Read again with our names of sizes.
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
  // Losses belong to outputs that may not have been selected.
  const beside = besideGraph(metadataOf(model), outputs === undefined ? trained.spec : undefined);
  return { ...trained, ...beside, weights: { ...trained.weights, ...beside.weights } };
}
