/** Ostinato's plain TypeScript CPU backend: readable typed-array kernels that run anywhere, and the executable they run in. */
export { aligned, type Call, type Kernel, type Kernels, type View, type Walk } from "./call.ts";
export { cpu } from "./cpu.ts";
export { extent, freeStride, strideOf } from "./kernels/axes.ts";
export { elementsOf, repeatsOf } from "./kernels/fused.ts";
export { type FusedPlan, type Place, planFused } from "./kernels/fusedPlan.ts";
export { expectIds, positionsBytes, sortPositions } from "./kernels/ids.ts";
export { supportsGru } from "./kernels/recurrent/gru.ts";
export { supportsLstm } from "./kernels/recurrent/lstm.ts";
export { inputSizeOf } from "./kernels/recurrent/operand.ts";
export {
  cotangentOf,
  gradientOf,
  keptOf,
  optionOf,
  type RecurrentCall,
  type RecurrentGradCall,
} from "./kernels/recurrent/recurrence.ts";
export { isRelu, supportsRnn } from "./kernels/recurrent/rnn.ts";
export { expectGiven, lengthsAt, orderAt, rowsBytes, sortRows } from "./kernels/recurrent/rows.ts";
export { type Mover, shapeKernelsBy } from "./kernels/shape.ts";
export { normal } from "./kernels/small.ts";
export { supportingKernels } from "./kernels/supporting.ts";
export { cpuKernels } from "./kernels/table.ts";
export { type Memory, PlainMemory } from "./memory.ts";
export { type ArenaOptions, arenaBackend } from "./session.ts";
export { type MoveRows, treeKernelsBy } from "./tree.ts";
