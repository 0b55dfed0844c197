/** Weights that are still numbers, and mean nothing: Adam's steps are as large as its learning rate, and sigmoids hide what they did. */
import { type Callback, type Checkpoint, NonFiniteError, type Tensor, type Tensors } from "@ostinato/core";

/** The square of a float32 above this is infinite. */
const largest = Math.sqrt(3.4e38);

/** Between two looks passes so many times what one takes: 1 %, which leaves room below 2 % for those after the first step and at the ends of epochs. */
const timeBetween = 100;

const advice = "A smaller learning rate is the usual way out";

/** The first weight beyond all use, in words; undefined where all are fine. */
function divergedWeight(weights: Tensors): string | undefined {
  for (const [name, { data }] of Object.entries(weights)) {
    for (let i = 0; i < data.length; i++) {
      const weight = data[i] as number;
      // Not a number is not below it either.
      if (!(Math.abs(weight) <= largest))
        return `a weight of the layer "${name.split("/")[0]}", in ${name}, is ${weight.toPrecision(3)} now`;
    }
  }
  return undefined;
}

export interface DivergenceWatch {
  /**
   * Ends training with a `NonFiniteError` when weights are beyond all use. It looks after the first step, at the end of each epoch, and in between
   * as often as costs less than 2 %: where weights are few, after nearly every step.
   */
  readonly callback: Callback;
  /** Throws `NonFiniteError` for a checkpoint with such weights: none is ever written. */
  refuse(checkpoint: Checkpoint): void;
}

/** Watches one training. `now` tells milliseconds. */
export function divergenceWatch(now: () => number = () => performance.now()): DivergenceWatch {
  let names: readonly string[] = [];
  /** The step that was looked at last, and the time before which there is no other look. */
  let before = 0;
  let next = 0;
  const refuse = (weights: Tensors, when: string): void => {
    const found = divergedWeight(weights);
    if (found !== undefined) throw new NonFiniteError(`${when}: training has diverged: ${found}. ${advice}`);
  };
  return {
    callback: {
      name: "divergence",
      async onStep({ epoch, step, steps }, control) {
        if (step < steps && now() < next) return;
        const begin = now();
        const weights = await control.readWeights();
        names = Object.keys(weights);
        const since = step - before > 1 ? ` (looked at last after step ${before})` : "";
        refuse(weights, `epoch ${epoch}, step ${step}${before > 0 ? since : ""}`);
        before = step < steps ? step : 0;
        const end = now();
        next = end + (end - begin) * timeBetween;
      },
    },
    refuse({ position: { epoch, step }, state }) {
      // Only the parameters: what an optimizer keeps may be larger.
      const weights = names.flatMap((name): [string, Tensor][] => {
        const tensor = state[name];
        return tensor === undefined ? [] : [[name, tensor]];
      });
      refuse(Object.fromEntries(weights), step > 0 ? `epoch ${epoch + 1}, step ${step}` : `after epoch ${epoch}`);
    },
  };
}
