/** Importers of `If` with a constant condition, and of quantized constants. */

import type { Stored } from "./imported.ts";
import type { Importer, Importers } from "./importing.ts";
import type { OnnxNode } from "./node.ts";

/** A condition that is constant is replaced by its branch. */
const condition: Importer = (node, importing) => {
  const branches = { yes: node.graph("then_branch"), no: node.graph("else_branch") };
  const known = importing.known(node.input(0))?.data[0];
  if (typeof known !== "number") return node.fail("its condition must be constant");
  const branch = known === 0 ? branches.no : branches.yes;
  return importing.body(branch ?? node.fail("the branch is missing"), []);
};

function storedInput(node: OnnxNode, index: number): Stored | undefined {
  const given = node.inputs[index];
  if (given === undefined || given.kind === "stored") return given;
  return node.fail(`its input ${index} must be a constant in the file`);
}

/** (x - zero point) · scale, per tensor or per axis: converts quantized weights to float32. */
const dequantized: Importer = (node) => {
  const [x, scale, zero] = [storedInput(node, 0), storedInput(node, 1), storedInput(node, 2)];
  if (x === undefined || scale === undefined) return node.fail("x or the scale is missing");
  if ((node.int("block_size") ?? 0) !== 0) return node.fail("block-wise scales are not supported");
  node.int("output_dtype");
  const at = node.int("axis") ?? 1;
  const axis = at < 0 ? at + x.shape.length : at;
  const each = scale.data.length > 1 ? (x.shape[axis] ?? 0) : 1;
  if (scale.data.length !== each || (zero && zero.data.length !== each))
    return node.fail(`its scale has ${scale.data.length} numbers, but axis ${axis} has ${each}`);
  const inner = x.shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const data = new Float32Array(x.data.length);
  for (let i = 0; i < data.length; i++) {
    const entry = each === 1 ? 0 : Math.trunc(i / inner) % each;
    data[i] = ((x.data[i] as number) - (zero?.data[entry] ?? 0)) * (scale.data[entry] as number);
  }
  return [{ ...x, numbers: "float", data }];
};

export const controlImporters: Importers = { If: condition, DequantizeLinear: dequantized };
