/** The module's side of `src/protocol.ts`; `pnpm assemble` makes this file from it. */

export enum Job {
  unary,
  binary,
  select,
  dot,
  softmax,
  crossentropy,
  crossentropyGrad,
  gather,
  scatterAdd,
  dropoutMask,
  lstm,
  lstmGrad,
}

export enum UnaryOp {
  neg,
  exp,
  log,
  sqrt,
  abs,
  tanh,
  sigmoid,
  relu,
  softplus,
}

export enum BinaryOp {
  add,
  sub,
  mul,
  div,
  maximum,
  minimum,
}

export enum Recurrence {
  time,
  batch,
  inputSize,
  hidden,
  reverse,
  X,
  W,
  R,
  order,
  lengths,
  weights,
  blockRooms,
  blockRoomBytes,
  blocks,
  threadRooms,
  threadRoomBytes,
  states,
}

export enum Unary {
  op,
  size,
  x,
  xStride,
  y,
}

export enum Binary {
  op,
  size,
  a,
  aStride,
  b,
  bStride,
  y,
}

export enum Select {
  size,
  condition,
  conditionStride,
  a,
  aStride,
  b,
  bStride,
  y,
}

export enum Dot {
  batch,
  rows,
  columns,
  depth,
  a,
  aBatchStride,
  aRowStride,
  aDepthStride,
  b,
  bBatchStride,
  bColumnStride,
  bDepthStride,
  y,
  tiles,
  tileBytes,
}

export enum Softmax {
  logarithm,
  rows,
  width,
  x,
  y,
}

export enum Crossentropy {
  rows,
  width,
  smoothing,
  logits,
  labels,
  losses,
  largest,
  logSums,
}

export enum CrossentropyGrad {
  rows,
  width,
  smoothing,
  logits,
  labels,
  largest,
  logSums,
  cotangents,
  y,
}

export enum Gather {
  ids,
  count,
  table,
  rowBytes,
  y,
}

export enum ScatterAdd {
  rows,
  width,
  ends,
  positions,
  updates,
  y,
}

export enum DropoutMask {
  size,
  y,
  seed,
  site,
  step,
  threshold,
  kept,
}

export enum Lstm {
  time,
  batch,
  inputSize,
  hidden,
  reverse,
  X,
  W,
  R,
  order,
  lengths,
  weights,
  blockRooms,
  blockRoomBytes,
  blocks,
  threadRooms,
  threadRoomBytes,
  states,
  B,
  initialH,
  initialC,
  y,
  h,
  c,
  gates,
  cells,
}

export enum LstmGrad {
  time,
  batch,
  inputSize,
  hidden,
  reverse,
  X,
  W,
  R,
  order,
  lengths,
  weights,
  blockRooms,
  blockRoomBytes,
  blocks,
  threadRooms,
  threadRoomBytes,
  states,
  initialH,
  initialC,
  y,
  gates,
  cells,
  dY,
  dX,
  steps,
  chunk,
  left,
  right,
  sums,
  dW,
  dR,
  dB,
  dH,
  dC,
  dInitialH,
  dInitialC,
}

export const ROWS: i32 = 6;
export const COLUMNS: i32 = 16;
export const UNITS: i32 = 8;
export const TILE_ROWS: i32 = 96;
export const TILE_COLUMNS: i32 = 256;
export const TILE_DEPTH: i32 = 384;

export const BLOCK_BYTES: usize = 384;
export const TARGET_BYTES: usize = 12;
export const STATE_BYTES: usize = 8;

export const EPOCH: usize = 64;
export const PENDING: usize = 128;
export const ARRIVED: usize = 192;
export const PHASE: usize = 256;
export const JOB: usize = 320;
export const THREADS: usize = 324;
export const MAY_SLEEP: usize = 328;
export const LOST: usize = 332;
export const PATIENCE: usize = 336;
export const WIDE: usize = 340;
export const PROGRESS: usize = 344;
export const ARGUMENTS: usize = 512;
