/** Optimizers: a few steps of each, with all that can be asked of it at once, follow the reference. */
import {
  adagrad,
  adamw,
  feed,
  float32,
  int32,
  nadam,
  type Optimizer,
  type OptimizerOptions,
  optimizerState,
  optimizerUpdates,
  RandomStream,
  rmsprop,
  sgd,
  state,
  sum,
  type Tensors,
} from "@ostinato/core";
import { evaluate } from "../reference/evaluate.ts";
import { expectClose, type SuiteTest, withExecutable } from "./suiteTest.ts";

const steps = 7;
const parameters = [
  { name: "layer/matrix", shape: [3, 5] },
  { name: "layer/vector", shape: [7] },
];

/** Two micro-batches to an update, a bound, decay, and averages that become the weights in every second update. */
const everything: OptimizerOptions = {
  globalClipnorm: 1.5,
  weightDecay: 0.1,
  gradientAccumulationSteps: 2,
  useEma: true,
  emaMomentum: 0.7,
  emaOverwriteFrequency: 2,
};

const optimizers: readonly Optimizer[] = [
  sgd({ momentum: 0.9, nesterov: true, ...everything }),
  rmsprop({ momentum: 0.5, centered: true, epsilon: 1e-3, ...everything }),
  adagrad(everything),
  adamw(everything),
  nadam(everything),
];

function drawn(site: string): Record<string, ReturnType<typeof float32>> {
  const random = new RandomStream(3, site);
  return Object.fromEntries(
    parameters.map(({ name, shape }) => {
      const size = shape.reduce((a, b) => a * b, 1);
      return [
        name,
        float32(
          shape,
          Float32Array.from({ length: size }, () => 2 * random.uniform() - 1),
        ),
      ];
    }),
  );
}

const follows = (optimizer: Optimizer): SuiteTest => ({
  name: `optimizers > ${steps} steps of ${optimizer.kind} follow the reference`,
  run: async (backend) => {
    const step = state("step", "int32", []);
    const trained = parameters.map(({ name, shape }) => ({
      name,
      shape,
      value: state(name, "float32", shape),
      gradient: feed(`d ${name}`, "float32", shape),
    }));
    const learningRate = feed("learningRate", "float32", []);
    const updates = optimizerUpdates(optimizer, { parameters: trained, step, learningRate });
    const graph = { fetches: { total: sum(trained[0].value) }, updates };
    const weights = drawn("weights");
    // The count of steps only stands in for that of a trainer: here updates are counted by the optimizer.
    let known: Tensors = { step: int32([], [0]), ...weights, ...optimizerState(optimizer, parameters, weights) };
    await withExecutable(backend, { graph, state: known }, async (executable, session) => {
      for (let t = 0; t < steps; t++) {
        const gradients = Object.entries(drawn(`gradients ${t}`)).map(([name, tensor]) => [`d ${name}`, tensor]);
        const feeds = { ...Object.fromEntries(gradients), learningRate: float32([], [0.1 / (t + 1)]) };
        const expected = evaluate(graph, feeds, known);
        known = expected.state;
        const { total } = await executable.run(feeds);
        expectClose(total, expected.fetches.total, `total of step ${t}`, { absolute: 5e-4, relative: 0 });
      }
      const actual = await session.readState();
      for (const [name, value] of Object.entries(known))
        expectClose(actual[name], value, name, { absolute: 1e-4, relative: 1e-3 });
    });
  },
});

export const optimizerTests: readonly SuiteTest[] = optimizers.map(follows);
