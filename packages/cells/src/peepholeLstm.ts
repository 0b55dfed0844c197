/** The LSTM with peepholes. */
import { defineCell, transpose, type Value } from "@ostinato/core";
import { add, matmul, mul, sigmoid, slice, tanh } from "@ostinato/core/graph";
import { dropping, gateOf, gateWeights, parseLstm } from "./gates.ts";

/**
 * The LSTM whose gates see the cell through peepholes (Gers and Schmidhuber 2000, "Recurrent nets that time and count"), which learns to count and to keep
 * time:
 *
 *   i = σ(Wi x + Ri h' + pi ∘ c' + bi)        c = f ∘ c' + i ∘ tanh(Wc x + Rc h' + bc)
 *   f = σ(Wf x + Rf h' + pf ∘ c' + bf)        o = σ(Wo x + Ro h' + po ∘ c + bo)
 *   h = o ∘ tanh(c)
 *
 * Gates are in ONNX's order i, o, f, c, and P [3 · units] is i, o, f, as of ONNX's operator LSTM, which computes the same.
 *
 * @example
 * const counter = sequential([input({ shape: ["time", 1] }), rnn(peepholeLstm({ units: 8 })), dense({ units: 1 })]);
 */
export const peepholeLstm = defineCell({
  kind: "peepholeLstm",
  parse: parseLstm,
  states: ["h", "c"],
  sizes: ({ units }) => ({ h: units, c: units }),
  build(context, config, given) {
    const { units, unitForgetBias } = config;
    const { features } = given;
    const { W, R, B } = gateWeights(context, { gates: 4, units, features, forget: unitForgetBias ? 2 : undefined });
    const P = context.parameter("P", [3 * units], "normal");
    const peep = (k: number, c: Value): Value => mul(slice(P, 0, k * units, units), c);
    const { input, recurrent } = dropping(context, config, given, units);
    return {
      prepare: (x) => add(matmul(input(x), transpose(W, [1, 0])), B),
      step({ x, states: { h: h0, c: c0 } }) {
        const sums = add(x, matmul(recurrent(h0), transpose(R, [1, 0])));
        const i = sigmoid(add(gateOf(sums, 0, units), peep(0, c0)));
        const f = sigmoid(add(gateOf(sums, 2, units), peep(2, c0)));
        const c = add(mul(f, c0), mul(i, tanh(gateOf(sums, 3, units))));
        const o = sigmoid(add(gateOf(sums, 1, units), peep(1, c)));
        return { states: { h: mul(o, tanh(c)), c } };
      },
    };
  },
});
