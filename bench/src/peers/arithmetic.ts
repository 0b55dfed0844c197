/** How much there is to compute. */
import type { Sizes } from "./job.ts";

/** Multiplications and additions of the LSTM's products over so many steps: the forward pass, and twice that for the gradients. */
export function flops(steps: number, { embedding, units }: Sizes, training: boolean): number {
  return (training ? 3 : 1) * 2 * steps * 4 * units * (embedding + units);
}
