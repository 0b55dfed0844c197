/** The LSTM whose input gate and forget gate are one. */
import { defineCell, OptionReader, transpose } from "@ostinato/core";
import { add, matmul, mul, sigmoid, sub, tanh } from "@ostinato/core/graph";
import { type DroppingOptions, dropping, droppingOptions, gateOf, gateWeights, readDropping } from "./gates.ts";

/** Options of `coupledLstm`. */
export interface CoupledLstmOptions extends DroppingOptions {
  /** The size of h and of c. */
  readonly units: number;
}

/**
 * The LSTM with coupled gates (Greff et al. 2017, "LSTM: A search space odyssey", CIFG): what is written takes the place of what is forgotten, f = 1 - i.
 * It has three quarters of an LSTM's weights and, by that paper, learns as well:
 *
 *   i = σ(Wi x + Ri h' + bi)        c = (1 - i) ∘ c' + i ∘ tanh(Wc x + Rc h' + bc)
 *   o = σ(Wo x + Ro h' + bo)        h = o ∘ tanh(c)
 *
 * Gates are in the order i, o, c. ONNX's operator LSTM computes the same with `input_forget`.
 *
 * @example
 * const reader = sequential([input({ shape: ["time", 4] }), rnn(coupledLstm({ units: 8 })), dense({ units: 1 })]);
 */
export const coupledLstm = defineCell({
  kind: "coupledLstm",
  parse(options: CoupledLstmOptions, owner) {
    const read = new OptionReader(owner, options, ["units", ...droppingOptions]);
    return {
      units: read.integer("units", 1),
      ...readDropping(read),
    };
  },
  states: ["h", "c"],
  sizes: ({ units }) => ({ h: units, c: units }),
  build(context, config, given) {
    const { units } = config;
    const { features } = given;
    const { W, R, B } = gateWeights(context, { gates: 3, units, features });
    const { input, recurrent } = dropping(context, config, given, units);
    return {
      prepare: (x) => add(matmul(input(x), transpose(W, [1, 0])), B),
      step({ x, states: { h: h0, c: c0 } }) {
        const sums = add(x, matmul(recurrent(h0), transpose(R, [1, 0])));
        const i = sigmoid(gateOf(sums, 0, units));
        const o = sigmoid(gateOf(sums, 1, units));
        const c = add(mul(sub(1, i), c0), mul(i, tanh(gateOf(sums, 2, units))));
        return { states: { h: mul(o, tanh(c)), c } };
      },
    };
  },
});
