/** What the papers' formulas give at each node of trees, computed by PyTorch one node after another: outputs, and all gradients. */
import { forestOf, input, model, recursive, recursiveTensor, type TreeLayer, treeGru, treeLstm } from "@ostinato/core";
import pytorch from "../../golden/pytorch-trees.json" with { type: "json" };
import type { GoldenCase } from "../goldenCase.ts";
import { layerCase, type StoredCase } from "../layerCase.ts";

interface Stored extends StoredCase {
  readonly kind: string;
  readonly options: { readonly units: number };
  /** Of each tree the parents of its nodes. */
  readonly parents: readonly (readonly number[])[];
}

/** The makers of layers by kind, as code that knows no kind calls them. */
const makers = { treeLstm, treeGru, recursive, recursiveTensor } as unknown as Readonly<
  Record<string, (options: object) => TreeLayer<"features">>
>;

function caseOf(stored: Stored, index: number): GoldenCase {
  const { kind, options, parents, inputs } = stored;
  const x = input({ name: "x", shape: ["time", inputs.x.shape[2]], tree: true });
  const { spec } = model(x, { y: makers[kind]({ ...options, name: "layer" })(x) });
  const { lengths: _, ...forest } = forestOf(parents.map((each) => ({ values: each, parents: each })));
  const nodes = forest.nodes.shape[0];
  const capacities = { batch: 5, time: 9, "x/nodes": nodes, "x/levels": forest.levels.shape[0] };
  const golden = layerCase(`pytorch ${kind} of trees ${index}`, stored, spec, "layer", capacities);
  const fed = Object.fromEntries(Object.entries(forest).map(([name, tensor]) => [`x/${name}`, tensor]));
  return { ...golden, feeds: { ...golden.feeds, ...fed } };
}

/** Every case of layers of trees. */
export const treeCases = (): GoldenCase[] => (pytorch.cases as unknown as readonly Stored[]).map(caseOf);
