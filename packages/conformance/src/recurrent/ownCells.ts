/** Cells as users of the library define them, beside those of `@ostinato/cells`: with them every backend and every export is held to the reference. */
import { defineCell, OptionReader, type Value } from "@ostinato/core";
import { add, concat, expandDims, matmul, mul, sigmoid, slice, sub, sum, tanh, transpose } from "@ostinato/core/graph";

/** Options of `gruCell`. */
export interface CellOptions {
  readonly units: number;
  readonly dropout?: number;
  readonly recurrentDropout?: number;
}

function readCell(options: CellOptions, owner: string) {
  const read = new OptionReader(owner, options, ["units", "dropout", "recurrentDropout"]);
  return {
    units: read.integer("units", 1),
    dropout: read.number("dropout", 0, 0, 1),
    recurrentDropout: read.number("recurrentDropout", 0, 0, 1),
  };
}

/** The part of sums over gates that belongs to gate `k`. */
const gateOf = (sums: Value, k: number, units: number): Value => slice(sums, 1, k * units, units);

/** The library's gru once more, with its parameters, all in the step but the product with W. */
export const gruCell = defineCell({
  kind: "gruCell",
  parse: readCell,
  states: ["h"],
  sizes: ({ units }) => ({ h: units }),
  build({ parameter, mask }, { units, dropout, recurrentDropout }, { features, batch }) {
    const W = parameter("W", [3 * units, features], "glorotUniform");
    const R = parameter("R", [3 * units, units], "orthogonal");
    const B = parameter("B", [3 * units], "zeros");
    const recurrentBias = parameter("recurrentBias", [3 * units], "zeros");
    return {
      prepare(x) {
        const dropped = mask && dropout > 0 ? mul(x, mask(dropout, [batch, features], "dropout")) : x;
        return add(matmul(dropped, transpose(W, [1, 0])), B);
      },
      step({ x, states: { h } }) {
        const masks =
          recurrentDropout > 0 ? mask?.(recurrentDropout, [3, batch, units], "recurrentDropout") : undefined;
        const recurrent = [0, 1, 2].map((k) => {
          const own = masks ? mul(h, slice(masks, 0, k, 1)) : expandDims(h, 0);
          const product = matmul(own, transpose(slice(R, 0, k * units, units), [1, 0]));
          return add(sum(product, [0]), slice(recurrentBias, 0, k * units, units));
        });
        const sums = concat(recurrent, 1);
        const z = sigmoid(add(gateOf(x, 0, units), gateOf(sums, 0, units)));
        const r = sigmoid(add(gateOf(x, 1, units), gateOf(sums, 1, units)));
        const candidate = tanh(add(gateOf(x, 2, units), mul(r, gateOf(sums, 2, units))));
        return { states: { h: add(mul(sub(1, z), candidate), mul(z, h)) } };
      },
    };
  },
});

/** A simple recurrence that begins with a learned state, and gives a product of it that is no state. */
export const readout = defineCell({
  kind: "readout",
  parse(options: { readonly units: number; readonly outputs: number }, owner) {
    const read = new OptionReader(owner, options, ["units", "outputs"]);
    return { units: read.integer("units", 1), outputs: read.integer("outputs", 1) };
  },
  states: ["s"],
  sizes: ({ units }) => ({ s: units }),
  build({ parameter }, { units, outputs }, { features }) {
    const W = parameter("W", [features, units], "glorotUniform");
    const R = parameter("R", [units, units], "orthogonal");
    const V = parameter("V", [units, outputs], "glorotUniform");
    return {
      initial: { s: parameter("initial", [units], "normal") },
      step({ x, states }) {
        const s = tanh(add(matmul(x, W), matmul(states.s, R)));
        return { states: { s }, output: matmul(s, V) };
      },
    };
  },
});
