/** The minimal gated recurrent unit whose gate does not see the state. */
import { defineCell, OptionReader, type Value } from "@ostinato/core";
import { add, less, matmul, mul, select, sigmoid, sub } from "@ostinato/core/graph";
import { droppedBy, gateOf } from "./gates.ts";

/** Options of `minGru`. */
export interface MinGruOptions {
  /** The size of h. */
  readonly units: number;
  /** The share of features that are dropped in training, the same ones in each step. Default 0. */
  readonly dropout?: number;
}

/** x + 0.5 from 0 on, else σ(x): positive, and without a step. */
const positive = (x: Value): Value => select(less(x, 0), sigmoid(x), add(x, 0.5));

/**
 * minGRU (Feng et al. 2024, "Were RNNs all we needed?", arXiv 2410.01201, with the g of its form in logarithms). Gate and candidate see the input alone, so that
 * a step has no product:
 *
 *   z = σ(Wz x + bz)        h = (1 - z) ∘ h' + z ∘ g(Wh x + bh)        g(x) = x + 0.5 for x ≥ 0, else σ(x)
 *
 * The kernel [features, 2 · units] has z before h. A state is a weighted mean of candidates: no step can turn
 * it around, so that it does not learn to count modulo 2.
 *
 * @example
 * const reader = sequential([input({ shape: ["time", 4] }), rnn([minGru({ units: 16 }), minGru({ units: 16 })]), dense({ units: 1 })]);
 */
export const minGru = defineCell({
  kind: "minGru",
  parse(options: MinGruOptions, owner) {
    const read = new OptionReader(owner, options, ["units", "dropout"]);
    return { units: read.integer("units", 1), dropout: read.number("dropout", 0, 0, 1) };
  },
  states: ["h"],
  sizes: ({ units }) => ({ h: units }),
  build(context, { units, dropout }, { features, batch }) {
    const kernel = context.parameter("kernel", [features, 2 * units], "glorotUniform");
    const bias = context.parameter("bias", [2 * units], "zeros");
    const input = droppedBy(context, dropout, [batch, features], "dropout");
    return {
      prepare: (x) => add(matmul(input(x), kernel), bias),
      step({ x, states: { h } }) {
        const z = sigmoid(gateOf(x, 0, units));
        return { states: { h: add(mul(sub(1, z), h), mul(z, positive(gateOf(x, 1, units)))) } };
      },
    };
  },
});
