/** Ops that move elements: where they lie is worked out as by the CPU backend, the module copies. */
import { type Memory, type Mover, shapeKernelsBy, type View, type Walk } from "@ostinato/backend-cpu";
import type { WasmMemory } from "../memory.ts";
import { bytes, CONTROL_BYTES, fields } from "../protocol.ts";

/** Elements from which on it pays to wake the other threads. */
const MANY = 2 ** 17;
const AXIS_WORDS = bytes.axis / 4;

const move: Mover = (memory: Memory, { dtype }: View, walk: Walk, from: number, to: number): void => {
  const wasm = memory as WasmMemory;
  const words = wasm.arguments;
  const at = fields.move;
  const shift = dtype === "bool" ? 0 : 2;
  // One element, where every axis has one entry.
  const rank = Math.max(1, walk.rank);
  words[at.shift] = shift;
  words[at.rank] = rank;
  words[at.from] = CONTROL_BYTES + from * 2 ** shift;
  words[at.to] = CONTROL_BYTES + to * 2 ** shift;
  let elements = 1;
  for (let axis = 0; axis < rank; axis++) {
    const place = at.axes + axis * AXIS_WORDS;
    const isThere = axis < walk.rank;
    words[place] = isThere ? walk.dims[axis] : 1;
    words[place + 1] = isThere ? walk.from[axis] : 1;
    words[place + 2] = isThere ? walk.to[axis] : 1;
    elements *= words[place];
  }
  wasm.run("move", elements >= MANY);
};

export const moveKernels = shapeKernelsBy(move);
