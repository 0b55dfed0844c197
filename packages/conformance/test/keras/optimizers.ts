/** Keras's optimizers written out naively: double precision, one number at a time, in the order of `BaseOptimizer.apply`. */

/** Options of one optimizer as Keras has them, all given. */
export interface KerasOptions {
  readonly momentum?: number;
  readonly nesterov?: boolean;
  readonly rho?: number;
  readonly epsilon?: number;
  readonly centered?: boolean;
  readonly initialAccumulatorValue?: number;
  readonly beta1?: number;
  readonly beta2?: number;
  readonly clipvalue?: number;
  readonly clipnorm?: number;
  readonly globalClipnorm?: number;
  readonly weightDecay?: number;
  readonly gradientAccumulationSteps?: number;
  readonly useEma?: boolean;
  readonly emaMomentum?: number;
  readonly emaOverwriteFrequency?: number;
}

export type KerasKind = "sgd" | "rmsprop" | "adagrad" | "adam" | "adamw" | "nadam";

type Slots = Record<string, number>;

/** `update_step` of one number: the change of the weight; slots are changed in place. `t` is iterations + 1. */
const updateSteps: Readonly<
  Record<KerasKind, (o: KerasOptions, s: Slots, g: number, rate: number, t: number, uProduct: number) => number>
> = {
  sgd: ({ momentum = 0, nesterov = false }, s, g, rate) => {
    if (momentum === 0) return -g * rate;
    s.m = s.m * momentum - g * rate;
    return nesterov ? s.m * momentum - g * rate : s.m;
  },
  rmsprop: ({ rho = 0.9, momentum = 0, epsilon = 1e-7, centered = false }, s, g, rate) => {
    s.v = rho * s.v + (1 - rho) * g * g;
    s.mean = rho * s.mean + (1 - rho) * g;
    const increment = (rate * g) / Math.sqrt((centered ? s.v - s.mean * s.mean : s.v) + epsilon);
    if (momentum === 0) return -increment;
    s.m = momentum * s.m + increment;
    return -s.m;
  },
  adagrad: ({ epsilon = 1e-7 }, s, g, rate) => {
    s.accumulator += g * g;
    return -(rate * g) / Math.sqrt(s.accumulator + epsilon);
  },
  adam,
  adamw: adam,
  nadam: ({ beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7 }, s, g, rate, t, uProduct) => {
    const u = beta1 * (1 - 0.5 * 0.96 ** t);
    const uNext = beta1 * (1 - 0.5 * 0.96 ** (t + 1));
    s.m += (g - s.m) * (1 - beta1);
    s.v += (g * g - s.v) * (1 - beta2);
    const mHat = (uNext * s.m) / (1 - uProduct * uNext) + ((1 - u) * g) / (1 - uProduct);
    const vHat = s.v / (1 - beta2 ** t);
    return -(mHat * rate) / (Math.sqrt(vHat) + epsilon);
  },
};

function adam(o: KerasOptions, s: Slots, g: number, rate: number, t: number): number {
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7 } = o;
  const alpha = (rate * Math.sqrt(1 - beta2 ** t)) / (1 - beta1 ** t);
  s.m += (g - s.m) * (1 - beta1);
  s.v += (g * g - s.v) * (1 - beta2);
  return -(s.m * alpha) / (Math.sqrt(s.v) + epsilon);
}

const norm = (values: readonly number[]): number => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0));

function clipped(o: KerasOptions, grads: readonly number[][]): number[][] {
  const { clipnorm, globalClipnorm, clipvalue } = o;
  if (clipnorm !== undefined) return grads.map((g) => g.map((v) => (v * clipnorm) / Math.max(norm(g), clipnorm)));
  if (globalClipnorm !== undefined) {
    const scale = globalClipnorm * Math.min(1 / norm(grads.flat()), 1 / globalClipnorm);
    return grads.map((g) => g.map((v) => v * scale));
  }
  if (clipvalue !== undefined) return grads.map((g) => g.map((v) => Math.max(-clipvalue, Math.min(clipvalue, v))));
  return grads.map((g) => [...g]);
}

/** What training leaves behind. */
export interface KerasResult {
  readonly weights: readonly (readonly number[])[];
  readonly averages: readonly (readonly number[])[];
}

/** As many steps as there are rates, from `start`, along the gradients that `gradientAt` tells for the weights of each step. */
export function kerasOptimize(
  kind: KerasKind,
  o: KerasOptions,
  start: readonly (readonly number[])[],
  rates: readonly number[],
  gradientAt: (step: number, weights: readonly (readonly number[])[]) => readonly (readonly number[])[],
): KerasResult {
  const { gradientAccumulationSteps: every = 1, useEma = false, emaMomentum = 0.99, emaOverwriteFrequency } = o;
  const weightDecay = o.weightDecay ?? (kind === "adamw" ? 0.004 : undefined);
  const weights = start.map((w) => [...w]);
  const averages = start.map((w) => w.map(() => 0));
  let accumulated = start.map((w) => w.map(() => 0));
  const slots = start.map((w) =>
    w.map((): Slots => ({ m: 0, v: 0, mean: 0, accumulator: o.initialAccumulatorValue ?? 0.1 })),
  );
  let uProduct = 1;
  rates.forEach((rate, step) => {
    const iterations = Math.floor(step / every);
    const grads = gradientAt(step, weights);
    accumulated = accumulated.map((sums, i) => sums.map((sum, k) => sum + grads[i][k]));
    if ((step + 1) % every === 0) {
      const t = iterations + 1;
      const ready = clipped(
        o,
        accumulated.map((sums) => sums.map((sum) => sum / every)),
      );
      uProduct *= (o.beta1 ?? 0.9) * (1 - 0.5 * 0.96 ** t);
      weights.forEach((w, i) => {
        for (let k = 0; k < w.length; k++) {
          if (weightDecay !== undefined) w[k] -= w[k] * weightDecay * rate;
          w[k] += updateSteps[kind](o, slots[i][k], ready[i][k], rate, t, uProduct);
        }
      });
      accumulated = accumulated.map((sums) => sums.map(() => 0));
    }
    if (!useEma) return;
    const momentum = iterations === 0 ? 0 : emaMomentum;
    const overwrite = emaOverwriteFrequency !== undefined && (iterations + 1) % emaOverwriteFrequency === 0;
    weights.forEach((w, i) => {
      for (let k = 0; k < w.length; k++) {
        averages[i][k] = momentum * averages[i][k] + (1 - momentum) * w[k];
        if (overwrite) w[k] = averages[i][k];
      }
    });
  });
  return { weights, averages };
}
