/** The gradient of the simple recurrent network: that of `gradient.ts`. The readable form is the gradient of core's `recurrent/rnn.ts`. */
import type { Call } from "../../call.ts";
import type { Memory } from "../../memory.ts";
import { LEFT, RIGHT } from "../panels.ts";
import { goBack, type Plan, planOf, type RowStep } from "./gradient.ts";
import { cotangentOf, keptOf, offsetOf } from "./recurrence.ts";
import { isRelu, supportsRnn } from "./rnn.ts";
import { leftLane } from "./weights.ts";

const GATES = 1;

function rnnGrad(memory: Memory, call: Call<"rnnGrad">): void {
  goBack("rnnGrad", memory, call, planOf(call, GATES, memory.scratch / 8), gateGradients);
}

/** One row's step: through the activation that gave y. */
function gateGradients({ f32, f64 }: Memory, call: Call<"rnnGrad">, plan: Plan, at: RowStep): void {
  const { hidden, chunk } = plan;
  const relu = isRelu(call.attrs);
  const y = keptOf(call, 0).offset + at.place * hidden;
  const cotangent = offsetOf(cotangentOf(call, "y"));
  const dY = cotangent < 0 ? -1 : cotangent + at.place * hidden;
  const to = plan.gateChunk + at.collected * LEFT;
  for (let j = 0; j < hidden; j++) {
    const h = f32[y + j];
    const dh = f64[plan.dH + at.p * hidden + j] + (dY < 0 ? 0 : f32[dY + j]);
    const slope = relu ? Number(h > 0) : 1 - h * h;
    f64[at.row + j * RIGHT] = dh * slope;
    f64[to + leftLane(j, chunk * LEFT)] = dh * slope;
  }
}

export const rnnGradKernel = {
  run: rnnGrad,
  scratch: (call: Call<"rnnGrad">): number => planOf(call, GATES, 0).end * 8,
  supports: supportsRnn,
};
