/** Weights that are still numbers, and mean nothing: Adam's steps are as large as its learning rate, and sigmoids hide what they did. */
import { type Callback, NonFiniteError } from "@ostinato/core";

/** The square of a float32 above this is infinite. */
const largest = Math.sqrt(3.4e38);

/** Ends training with an error, before anything is saved, at the first step that leaves a weight beyond all use. */
export function stopOnDivergence(): Callback {
  return {
    name: "divergence",
    async onStep({ epoch, step }, control) {
      for (const [name, { data }] of Object.entries(await control.readWeights())) {
        for (const weight of data) {
          if (Math.abs(weight) <= largest) continue;
          throw new NonFiniteError(
            `epoch ${epoch}, step ${step}: training has diverged: a weight of the layer "${name.split("/")[0]}", in ${name}, is ${weight.toPrecision(3)} now. A smaller learning rate is the usual way out`,
          );
        }
      }
    },
  };
}
