/** The layer `treeGru`. */
import { childSumGru } from "../../cells/trees/childSumGru.ts";
import { naryGru } from "../../cells/trees/naryGru.ts";
import { type GatedTreeConfig, treeLayer } from "./layer.ts";

export type TreeGruConfig = GatedTreeConfig;

export const treeGru = treeLayer<TreeGruConfig>({ cells: { childSum: childSumGru, nary: naryGru } });
