/** Gradients that are finite while their squares are not: clipping brings them within bounds, and a step is refused only where it leaves something that is not finite. */
import {
  adagrad,
  adam,
  compile,
  dense,
  float32,
  input,
  lossMetric,
  meanAbsoluteError,
  NonFiniteError,
  nadam,
  type Optimizer,
  rmsprop,
  sequential,
  sgd,
  type Tensors,
} from "@ostinato/core";
import type { SuiteTest } from "./suiteTest.ts";

/** |w · x + b - y| of one row: its gradient by `w` is `x`. */
const line = sequential([input({ shape: [2], name: "x" }), dense({ units: 1 })]);
const row = { x: [[3e19, -4e19]], y: [-1] };

interface Case {
  readonly name: string;
  readonly optimizer: Optimizer;
  /** The kernel after one step from zeros. */
  readonly kernel: readonly [number, number];
}

const cases: readonly Case[] = [
  { name: "clipvalue", optimizer: sgd({ learningRate: 0.5, clipvalue: 1 }), kernel: [-0.5, 0.5] },
  { name: "clipnorm", optimizer: sgd({ learningRate: 0.5, clipnorm: 2 }), kernel: [-0.6, 0.8] },
  { name: "globalClipnorm", optimizer: sgd({ learningRate: 0.5, globalClipnorm: 2 }), kernel: [-0.6, 0.8] },
  { name: "adam with clipvalue", optimizer: adam({ learningRate: 0.5, clipvalue: 1 }), kernel: [-0.5, 0.5] },
  { name: "a small learning rate", optimizer: sgd({ learningRate: 1e-20 }), kernel: [-0.3, 0.4] },
];

const zeros: Tensors = { "dense/kernel": float32([2, 1], [0, 0]), "dense/bias": float32([1], [0]) };

const trains = ({ name, optimizer, kernel }: Case): SuiteTest => ({
  name: `training > a gradient of 5e19 and ${name}`,
  run: async (backend) => {
    const objective = { loss: meanAbsoluteError(), metrics: [lossMetric(meanAbsoluteError())] };
    await using trainer = await compile(line, { backend, ...objective, optimizer, weights: zeros });
    await trainer.fit(row);
    const { weights } = await trainer.snapshot();
    kernel.forEach((wanted, i) => {
      const given = weights["dense/kernel"].data[i];
      if (!(Math.abs(given - wanted) < 1e-5)) throw new Error(`the kernel[${i}] is ${given}, not ${wanted}`);
    });
  },
});

const optimizers: readonly Optimizer[] = [
  sgd({ momentum: 0.9 }),
  rmsprop({ momentum: 0.5, centered: true }),
  adagrad(),
  adam(),
  nadam(),
];

/** Its square is infinite, so a slot that sums squares would be, for ever; the new weight alone does not show it. */
const keepsSlots = (optimizer: Optimizer): SuiteTest => ({
  name: `training > a gradient of 5e19 leaves no infinite slot of ${optimizer.kind}`,
  run: async (backend) => {
    await using trainer = await compile(line, { backend, loss: meanAbsoluteError(), optimizer, weights: zeros });
    const error = await trainer.fit(row).then(
      () => undefined,
      (caught: unknown) => caught,
    );
    if (error !== undefined && !(error instanceof NonFiniteError)) throw error;
    await trainer.fit({ x: [[1, 1]], y: [-1] });
    const { state } = await trainer.checkpoint();
    const broken = Object.keys(state).filter((name) => !Array.from(state[name].data).every(Number.isFinite));
    if (broken.length > 0) throw new Error(`${broken.join(", ")} is not finite`);
  },
});

/** Two layers of one weight: the gradient of the first, x times the weight of the second, is infinite, and the loss is not. */
const product = sequential([
  input({ shape: [1], name: "x" }),
  dense({ units: 1, useBias: false, name: "first" }),
  dense({ units: 1, useBias: false, name: "second" }),
]);

const refuses: SuiteTest = {
  name: "training > a gradient that is not finite is refused by name, clipped or not",
  run: async (backend) => {
    const weights = { "first/kernel": float32([1, 1], [0]), "second/kernel": float32([1, 1], [1e38]) };
    for (const options of [{}, { clipvalue: 1 }, { clipnorm: 1 }, { globalClipnorm: 1 }]) {
      const optimizer = sgd({ learningRate: 1e-30, ...options });
      await using trainer = await compile(product, { backend, loss: meanAbsoluteError(), optimizer, weights });
      const error = await trainer.fit({ x: [[3e38]], y: [-1] }).then(
        () => undefined,
        (caught: unknown) => caught,
      );
      // The reference computes in double precision, where this gradient is finite.
      const message = error instanceof NonFiniteError ? error.message : String(error);
      const right = message.includes("the gradient of first/kernel");
      if (backend.name === "reference" ? error !== undefined : !right)
        throw new Error(`${JSON.stringify(options)}: ${message}`);
    }
  },
};

export const hugeGradientTests: readonly SuiteTest[] = [...cases.map(trains), ...optimizers.map(keepsSlots), refuses];
