/** Cells from papers, for `rnn`. */
export { type CoupledLstmOptions, coupledLstm } from "./coupledLstm.ts";
export type { DroppingOptions, LstmOptions } from "./gates.ts";
export { type LayerNormLstmOptions, layerNormLstm } from "./layerNormLstm.ts";
export { type MinGruOptions, minGru } from "./minGru.ts";
export { peepholeLstm } from "./peepholeLstm.ts";
export { type ProjectionLstmOptions, projectionLstm } from "./projectionLstm.ts";
export { type SLstmOptions, sLstm } from "./sLstm.ts";
