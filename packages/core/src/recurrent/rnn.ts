/** The simple recurrent network (Elman 1990), as ONNX's operator has it: Ht = f(Xt·Wᵀ + Ht-1·Rᵀ + B). */
import { add } from "../ir/build/elementwise.ts";
import type { Value } from "../ir/value.ts";
import type { Cell } from "./cell.ts";

export const rnn: Cell<"rnn"> = {
  products: () => [["h"]],
  step({ x, states, recur, activations, clipped }) {
    const [h0] = states as [Value];
    const [f] = activations as [(x: Value) => Value];
    return { states: [f(clipped(add(x, recur(h0, 0))))], kept: [] };
  },
};
