/** Random trials of layers of trees: each kind and type with any options, alone and one over the other, in inference and in training. */
import {
  dense,
  embedding,
  input,
  meanSquaredError,
  model,
  recurrentActivationNames,
  recursive,
  recursiveTensor,
  type Symbolic,
  type TreeLayer,
  treeGru,
  treeLstm,
} from "@ostinato/core";
import type { Draw, DrawTrial } from "../draw.ts";
import { type Fetches, inference, training } from "../models.ts";

/** What every layer of trees may have. */
const drawShared = (draw: Draw) =>
  ({
    activation: draw.chance(0.8) ? "tanh" : draw.one(recurrentActivationNames),
    useBias: draw.chance(0.8),
    dropout: draw.chance(0.7) ? 0 : 0.4,
    recurrentDropout: draw.chance(0.7) ? 0 : 0.4,
    recurrentRegularizer: draw.chance(0.8) ? null : { l2: 0.1 },
  }) as const;

/** The same of those with gates, and their type. */
const drawGated = (draw: Draw) => ({
  ...drawShared(draw),
  units: draw.number(3).size,
  recurrentActivation: draw.chance(0.8) ? "sigmoid" : draw.one(recurrentActivationNames),
  ...draw.one([{ type: "childSum" } as const, { type: "nary", arity: draw.whole(1, 3) } as const]),
});

type Make = (draw: Draw, features: number, returnSequences: true) => TreeLayer<"sequence">;

/** Each kind with any options. The recursive nets are as wide as their inputs. */
const makes: readonly Make[] = [
  (draw, _, returnSequences) => treeLstm({ ...drawGated(draw), unitForgetBias: draw.chance(0.5), returnSequences }),
  (draw, _, returnSequences) => treeGru({ ...drawGated(draw), returnSequences }),
  (draw, units, returnSequences) => recursive({ ...drawShared(draw), units, arity: draw.whole(1, 3), returnSequences }),
  // Products of states grow without bounds where an activation does.
  (draw, units, returnSequences) =>
    recursiveTensor({
      ...drawShared(draw),
      activation: draw.one(["tanh", "sigmoid", "softsign"] as const),
      units,
      arity: draw.whole(1, 2),
      returnSequences,
    }),
];

/** A layer over words or vectors, now and then over another one; at the root or at every node. */
const layerTrial: DrawTrial = (draw): Fetches => {
  const features = draw.number(3).size;
  const words = draw.chance(0.3);
  const x = words ? input({ shape: ["time"], tree: true }) : input({ shape: ["time", features], tree: true });
  const vectors = words
    ? embedding({ inputDim: 6, outputDim: features, maskZero: draw.chance(0.7) })(x as Symbolic<"ids">)
    : (x as Symbolic<"sequence">);
  const read = draw.chance(0.3) ? dense({ units: features })(draw.one(makes)(draw, features, true)(vectors)) : vectors;
  const made = draw.one(makes)(draw, features, draw.chance(0.6) as true)(read);
  const { spec } = model(x as Symbolic<"sequence">, made);
  return draw.chance(0.4) ? inference(draw, { spec }) : training(draw, spec, meanSquaredError());
};

export const treeLayerTrials: Readonly<Record<string, DrawTrial>> = { "of trees": layerTrial };
