/** The simple recurrent network (Elman 1990), as ONNX's operator has it: Ht = f(Xt·Wᵀ + Ht-1·Rᵀ + B). */
import { cell } from "./cell.ts";

export const rnn = cell(
  {
    operator: "RNN",
    gates: ["h"],
    foreign: { keras: ["h"], pytorch: ["h"] },
    states: ["h"],
    kept: {},
    activations: ["Tanh"],
    peepholes: [],
    flags: {},
  },
  {
    products: () => [["h"]],
    step: ({ x, states: [h0], recur, activations: [f], clipped, add }) => ({
      states: [f(clipped(add(x, recur(h0, 0))))],
      kept: [],
    }),
  },
);
