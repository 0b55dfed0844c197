/** Importers of normalization, and of operators that only act in training. */
import { constant, div, mean, type Shape, sqrt, square, type Value } from "@ostinato/core";
import { add, broadcast, mul, sub } from "@ostinato/core/graph";
import { asComputed, axesOf, fromAxes } from "./broadcasting.ts";
import { computed, type Imported } from "./imported.ts";
import type { Importer, Importers, Importing } from "./importing.ts";
import type { OnnxNode } from "./node.ts";
import { stretched } from "./reduce.ts";
import { axisIn } from "./shapes.ts";

/** A weight of the last axes of `x`, broadcast to the shape of `x`. */
function overLast(weight: Imported, x: Value, importing: Importing): Value {
  const value = importing.value(weight);
  const lead = x.type.shape.length - value.type.shape.length;
  return broadcast(
    value,
    x.type.shape,
    value.type.shape.map((_, axis) => axis + lead),
  );
}

/** Rejects other precisions than float32. */
function expectSinglePrecision(node: OnnxNode): void {
  if ((node.int("stash_type") ?? 1) !== 1) node.fail("only single precision (stash_type = 1) is supported");
}

/** The axes of a value from an ONNX axis on. */
function axesFrom(axes: readonly Shape[], axis: number): number[] {
  const start = axes.slice(0, axis).flat().length;
  return axes.flat().flatMap((_, i) => (i >= start ? [i] : []));
}

const layerNormalization: Importer = (node, importing) => {
  expectSinglePrecision(node);
  const whole = asComputed(node.input(0), importing);
  const axes = axesOf(whole);
  const over = axesFrom(axes, axisIn(node, node.int("axis") ?? -1, axes.length));
  const x = whole.value;
  const centered = sub(x, stretched(mean(x, over), x, over));
  const variance = mean(square(centered), over);
  const deviation = sqrt(add(variance, node.float("epsilon") ?? 1e-5));
  const scaled = mul(div(centered, stretched(deviation, x, over)), overLast(node.input(1), x, importing));
  const bias = node.inputs[2];
  return [fromAxes(bias ? add(scaled, overLast(bias, x, importing)) : scaled, axes)];
};

const rmsNormalization: Importer = (node, importing) => {
  expectSinglePrecision(node);
  const whole = asComputed(node.input(0), importing);
  const axes = axesOf(whole);
  const over = axesFrom(axes, axisIn(node, node.int("axis") ?? -1, axes.length));
  const x = whole.value;
  const size = sqrt(add(mean(square(x), over), node.float("epsilon") ?? 1e-5));
  return [fromAxes(mul(div(x, stretched(size, x, over)), overLast(node.input(1), x, importing)), axes)];
};

/** Running means and variances are not parameters. */
function counted(node: OnnxNode, index: number, importing: Importing): Value {
  const known = importing.known(node.input(index)) ?? node.fail(`its input ${index} must be a small constant`);
  return constant(known.data as readonly number[], "float32", known.shape);
}

/** Batch normalization in inference mode, with the running means and variances. */
const batchNormalization: Importer = (node, importing) => {
  if ((node.int("training_mode") ?? 0) !== 0)
    return node.fail("it is in training mode; export the model in evaluation mode");
  node.float("momentum");
  const x = importing.value(node.input(0));
  const axis = axisIn(node, Math.min(1, x.type.shape.length - 1), x.type.shape.length);
  const over = (weight: Value): Value => broadcast(weight, x.type.shape, [axis]);
  const [average, variance] = [counted(node, 3, importing), counted(node, 4, importing)];
  const [scale, bias] = [importing.value(node.input(1)), importing.value(node.input(2))];
  const deviation = sqrt(add(variance, node.float("epsilon") ?? 1e-5));
  return [computed(add(mul(sub(x, over(average)), over(div(scale, deviation))), over(bias)))];
};

/** Dropout is the identity in inference. */
const dropout: Importer = (node, importing) => {
  node.float("ratio");
  node.int("seed");
  const training = node.inputs[2] && importing.known(node.inputs[2]);
  if (node.inputs[2] && training?.data[0] !== 0)
    return node.fail("it is in training mode; export the model in evaluation mode");
  return [node.input(0)];
};

export const normalizationImporters: Importers = {
  LayerNormalization: layerNormalization,
  RMSNormalization: rmsNormalization,
  BatchNormalization: batchNormalization,
  Dropout: dropout,
};
