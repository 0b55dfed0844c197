/** The LSTM with layer normalization. */
import { defineCell, OptionReader, transpose, type Value } from "@ostinato/core";
import { add, div, expandDims, matmul, mean, mul, sigmoid, sqrt, sub, tanh } from "@ostinato/core/graph";
import { dropping, gateOf, gateWeights, type LstmOptions, lstmOptions, readLstm } from "./gates.ts";

/** Options of `layerNormLstm`. */
export interface LayerNormLstmOptions extends LstmOptions {
  /** What is added to a variance, so that equal sums give zeros. Default 1e-5. */
  readonly epsilon?: number;
}

/** x [..., size] less its mean over the last axis, divided by its deviation, times the gain [size]. */
function normalized(x: Value, gain: Value, epsilon: number): Value {
  const last = x.type.shape.length - 1;
  const average = (of: Value): Value => expandDims(mean(of, [last]), last);
  const centred = sub(x, average(x));
  return mul(div(centred, sqrt(add(average(mul(centred, centred)), epsilon))), gain);
}

/**
 * The LSTM with layer normalization (Ba et al. 2016, "Layer normalization"). The sums of all gates that come from x are normalized
 * together, and so are those from h', and c on its way out:
 *
 *   (i, o, f, z) = LN(W x; gx) + LN(R h'; gh) + B
 *   c = σ(f) ∘ c' + σ(i) ∘ tanh(z)        h = σ(o) ∘ tanh(LN(c; gc) + bc)
 *
 * The gains gx, gh [4 · units] and gc [units] begin with 1, the shift bc with 0. B stands for the paper's bias and the shifts of both first
 * normalizations, whose sum is all that counts. Gates are in the order i, o, f, c.
 *
 * @example
 * const reader = sequential([input({ shape: ["time", 4] }), rnn(layerNormLstm({ units: 8 })), dense({ units: 1 })]);
 */
export const layerNormLstm = defineCell({
  kind: "layerNormLstm",
  parse(options: LayerNormLstmOptions, owner) {
    const read = new OptionReader(owner, options, [...lstmOptions, "epsilon"]);
    return { ...readLstm(read), epsilon: read.number("epsilon", 1e-5, 0) };
  },
  states: ["h", "c"],
  sizes: ({ units }) => ({ h: units, c: units }),
  build(context, config, given) {
    const { units, unitForgetBias, epsilon } = config;
    const { features } = given;
    const { W, R, B } = gateWeights(context, { gates: 4, units, features, forget: unitForgetBias ? 2 : undefined });
    const { parameter } = context;
    const inputGain = parameter("inputGain", [4 * units], "ones");
    const recurrentGain = parameter("recurrentGain", [4 * units], "ones");
    const cellGain = parameter("cellGain", [units], "ones");
    const cellBias = parameter("cellBias", [units], "zeros");
    const { input, recurrent } = dropping(context, config, given, units);
    return {
      prepare: (x) => add(normalized(matmul(input(x), transpose(W, [1, 0])), inputGain, epsilon), B),
      step({ x, states: { h: h0, c: c0 } }) {
        const sums = add(x, normalized(matmul(recurrent(h0), transpose(R, [1, 0])), recurrentGain, epsilon));
        const [i, o, f] = [0, 1, 2].map((k) => sigmoid(gateOf(sums, k, units))) as [Value, Value, Value];
        const c = add(mul(f, c0), mul(i, tanh(gateOf(sums, 3, units))));
        return { states: { h: mul(o, tanh(add(normalized(c, cellGain, epsilon), cellBias))), c } };
      },
    };
  },
});
