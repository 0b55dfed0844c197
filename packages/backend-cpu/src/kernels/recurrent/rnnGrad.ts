/** The gradient of the simple recurrent network, by the way of `gradient.ts`. The readable form is the gradient of its decomposition in core. */
import type { Call } from "../../call.ts";
import type { Memory } from "../../memory.ts";
import { LEFT, RIGHT } from "../panels.ts";
import { lasting } from "../small.ts";
import { chunkLane, goBack, type Plan, planOf, type RowStep, stepLane } from "./gradient.ts";
import { cotangentOf, keptOf, offsetOf } from "./recurrence.ts";
import { isRelu, supportsRnn } from "./rnn.ts";
import { leftLane } from "./weights.ts";

const traits = { gates: 1, whole: 1, gradients: 1, toState: 1, otherState: false, carries: false };

/** One row's step: through the activation that gave y. */
function rowGradients({ f32, f64 }: Memory, call: Call<"rnnGrad">, plan: Plan, at: RowStep): void {
  const { hidden } = plan;
  const relu = isRelu(call.attrs);
  const y = keptOf(call, 0).offset + at.place * hidden;
  const cotangent = offsetOf(cotangentOf(call, "y"));
  const dY = cotangent < 0 ? -1 : cotangent + at.place * hidden;
  const lane = stepLane(plan, 0, at.p);
  const collected = chunkLane(plan, 0, at.collected);
  for (let j = 0; j < hidden; j++) {
    const h = f32[y + j];
    const dh = f64[plan.dH + at.p * hidden + j] + (dY < 0 ? 0 : f32[dY + j]);
    const d = lasting(dh * (relu ? Number(h > 0) : 1 - h * h));
    f64[lane + j * RIGHT] = d;
    f64[collected + leftLane(j, plan.chunk * LEFT)] = d;
  }
}

export const rnnGradKernel = {
  run: (memory: Memory, call: Call<"rnnGrad">): void =>
    goBack("rnnGrad", memory, call, planOf(call, traits, memory.scratch / 8), rowGradients),
  scratch: (call: Call<"rnnGrad">): number => planOf(call, traits, 0).end * 8,
  supports: supportsRnn,
};
