/** What the WebAssembly module can do, by number, and where its arguments lie. The module's side is `assembly/index.ts` and `assembly/team.ts`. */

/** The jobs in the order of their numbers. */
export const jobs = [
  "unary",
  "binary",
  "select",
  "dot",
  "softmax",
  "gather",
  "scatterAdd",
  "dropoutMask",
  "lstm",
  "lstmGrad",
] as const;
export type Job = (typeof jobs)[number];

/** Byte addresses of the control block. */
export const control = {
  pending: 128,
  threads: 324,
  maySleep: 328,
  lost: 332,
  patience: 336,
  wide: 340,
  arguments: 512,
} as const;

/** Bytes before the memory that programs see. */
export const CONTROL_BYTES = 4096;
