/** The LSTM with a projection. */
import { defineCell, OptionReader, transpose, type Value } from "@ostinato/core";
import { add, matmul, mul, sigmoid, tanh } from "@ostinato/core/graph";
import { dropping, gateOf, gateWeights, type LstmOptions, lstmOptions, readLstm } from "./gates.ts";

/** Options of `projectionLstm`. */
export interface ProjectionLstmOptions extends LstmOptions {
  /** The size of h, which comes out and which the next step reads. */
  readonly projection: number;
}

/**
 * The LSTM with a projection (Sak et al. 2014, "Long short-term memory recurrent neural network architectures for large scale acoustic modeling"): many
 * cells with a small h, so that the recurrent product stays small. It is PyTorch's `nn.LSTM(…, proj_size)`:
 *
 *   i, o, f = σ(W x + R h' + b)        c = f ∘ c' + i ∘ tanh(Wc x + Rc h' + bc)
 *   h = P (o ∘ tanh(c))
 *
 * h is [batch, projection], c [batch, units], P [projection, units]. Gates are in ONNX's order i, o, f, c.
 *
 * @example
 * const reader = sequential([input({ shape: ["time", 4] }), rnn(projectionLstm({ units: 32, projection: 8 })), dense({ units: 1 })]);
 */
export const projectionLstm = defineCell({
  kind: "projectionLstm",
  parse(options: ProjectionLstmOptions, owner) {
    const read = new OptionReader(owner, options, [...lstmOptions, "projection"]);
    return { ...readLstm(read), projection: read.integer("projection", 1) };
  },
  states: ["h", "c"],
  sizes: ({ units, projection }) => ({ h: projection, c: units }),
  build(context, config, given) {
    const { units, projection, unitForgetBias } = config;
    const { features } = given;
    const forget = unitForgetBias ? 2 : undefined;
    const { W, R, B } = gateWeights(context, { gates: 4, units, features, outputs: projection, forget });
    const P = context.parameter("P", [projection, units], "glorotUniform");
    const { input, recurrent } = dropping(context, config, given, projection);
    return {
      prepare: (x) => add(matmul(input(x), transpose(W, [1, 0])), B),
      step({ x, states: { h: h0, c: c0 } }) {
        const sums = add(x, matmul(recurrent(h0), transpose(R, [1, 0])));
        const [i, o, f] = [0, 1, 2].map((k) => sigmoid(gateOf(sums, k, units))) as [Value, Value, Value];
        const c = add(mul(f, c0), mul(i, tanh(gateOf(sums, 3, units))));
        return { states: { h: matmul(mul(o, tanh(c)), transpose(P, [1, 0])), c } };
      },
    };
  },
});
