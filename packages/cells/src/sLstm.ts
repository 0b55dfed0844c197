/** The LSTM with exponential gates. */
import { ConfigError, defineCell, OptionReader, reshape, transpose, type Value } from "@ostinato/core";
import {
  add,
  div,
  dot,
  equal,
  exp,
  matmul,
  maximum,
  minimum,
  mul,
  neg,
  select,
  sigmoid,
  softplus,
  sub,
  tanh,
} from "@ostinato/core/graph";
import { type DroppingOptions, dropping, droppingOptions, gateOf, readDropping } from "./gates.ts";

/** Options of `sLstm`. */
export interface SLstmOptions extends DroppingOptions {
  /** The size of each state: a multiple of `heads`. */
  readonly units: number;
  /** How many groups of units there are; a unit sees the h of its own group alone. Default 1; the paper takes 4. */
  readonly heads?: number;
  /** Where the cell stands among those upon each other, from 0 for the lowest to 1 for the highest: how much of it begins to forget soon. Default 0. */
  readonly depth?: number;
}

/** In each head the bias of the forget gate goes from 5, which keeps nearly all, to -7, which keeps nearly nothing. */
function forgetBias(j: number, units: number, depth: number): number {
  return units === 1 ? 5 : 5 - 12 * (j / (units - 1)) ** (0.3 + 1.3 * depth);
}

/**
 * sLSTM (Beck et al. 2024, "xLSTM: Extended long short-term memory"): the input gate is an exponential, so that a step can outweigh all
 * that came before it, n counts the weight so far, and m keeps the exponentials small:
 *
 *   m = max(ĩ, m' + log σ(f̃))        i = exp(ĩ - m)        f = exp(m' + log σ(f̃) - m)
 *   c = f ∘ c' + i ∘ tanh(z̃)        n = f ∘ n' + i        h = σ(õ) ∘ c / n
 *
 * where ĩ, õ, f̃, z̃ = W x + R h' + B. R is block-diagonal: each head has its own. Where nothing was read yet, n' = 0, it is m = ĩ, so that zeros begin any
 * sequence. A state that is given must have n ≥ 0.
 *
 * W is [4 · units, features] with the gates i, o, f, c one upon the other; R [4 · units, units / heads] has the four gates of each head one upon the other, and
 * begins with zeros, as in the authors' code.
 *
 * @throws ConfigError where units are no multiple of heads
 * @example
 * const parity = sequential([input({ shape: ["time", 1] }), rnn(sLstm({ units: 32, heads: 4 })), dense({ units: 1, activation: "sigmoid" })]);
 */
export const sLstm = defineCell({
  kind: "sLstm",
  parse(options: SLstmOptions, owner) {
    const read = new OptionReader(owner, options, ["units", "heads", "depth", ...droppingOptions]);
    const units = read.integer("units", 1);
    const heads = read.integer("heads", 1, 1);
    if (units % heads !== 0)
      throw new ConfigError(`${owner}: units must be a multiple of heads, got ${units} units and ${heads} heads`);
    const depth = read.number("depth", 0, 0);
    if (depth > 1) throw new ConfigError(`${owner}: depth must be a number from 0 to 1, got ${depth}`);
    return {
      units,
      heads,
      depth,
      ...readDropping(read),
    };
  },
  states: ["h", "c", "n", "m"],
  sizes: ({ units }) => ({ h: units, c: units, n: units, m: units }),
  build(context, config, given) {
    const { units, heads, depth } = config;
    const { features, batch } = given;
    const { parameter } = context;
    const size = units / heads;
    const W = parameter("W", [4 * units, features], "glorotUniform");
    const R = parameter("R", [4 * units, size], "zeros");
    const B = parameter("B", [4 * units], () =>
      Float32Array.from({ length: 4 * units }, (_, row) =>
        Math.floor(row / units) === 2 ? forgetBias(row % size, size, depth) : 0,
      ),
    );
    const blocks = reshape(R, [heads, 4, size, size]);
    const { input, recurrent } = dropping(context, config, given, units);
    /** R h' with the gates one beside the other: [batch, 4 · units]. */
    const recur = (h: Value): Value => {
      if (heads === 1) return matmul(h, transpose(R, [1, 0]));
      const products = dot(reshape(h, [batch, heads, size]), blocks, { batch: [[1], [0]], contract: [[2], [3]] });
      return reshape(transpose(products, [1, 2, 0, 3]), [batch, 4 * units]);
    };
    return {
      prepare: (x) => add(matmul(input(x), transpose(W, [1, 0])), B),
      step({ x, states: { h: h0, c: c0, n: n0, m: m0 } }) {
        const sums = add(x, recur(recurrent(h0)));
        const written = gateOf(sums, 0, units);
        // log σ(f̃) = -log(1 + exp(-f̃)).
        const kept = sub(m0, softplus(neg(gateOf(sums, 2, units))));
        const m = select(equal(n0, 0), written, maximum(written, kept));
        const i = exp(sub(written, m));
        // Nothing is above 0 where m is that maximum; where nothing was read, it bounds what is multiplied with zeros.
        const f = exp(minimum(sub(kept, m), 0));
        const c = add(mul(f, c0), mul(i, tanh(gateOf(sums, 3, units))));
        const n = add(mul(f, n0), i);
        return { states: { h: mul(sigmoid(gateOf(sums, 1, units)), div(c, n)), c, n, m } };
      },
    };
  },
});
