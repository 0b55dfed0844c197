/** The layer `treeLstm`. */
import { childSumLstm } from "../../cells/trees/childSumLstm.ts";
import { naryLstm } from "../../cells/trees/naryLstm.ts";
import { type GatedTreeConfig, treeLayer } from "./layer.ts";

export type TreeLstmConfig = GatedTreeConfig & { readonly unitForgetBias: boolean };

export const treeLstm = treeLayer<TreeLstmConfig>({
  cells: { childSum: childSumLstm, nary: naryLstm },
  flags: { unitForgetBias: true },
  // The gates are in the order i, o, f, c.
  bias: (data, { unitForgetBias, units }) => (unitForgetBias ? data.fill(1, 2 * units, 3 * units) : data),
});
