/** What passes make of several ops computes what these compute one by one: to the bit, over random graphs and in training. */
import {
  accuracy,
  adagrad,
  adam,
  type Backend,
  compile,
  nadam,
  type Optimizer,
  ops,
  RandomStream,
  rmsprop,
  sgd,
  sparseCategoricalCrossentropy,
  type Tensors,
} from "@ostinato/core";
import { trialNamed } from "../trials/all.ts";
import { withGradients } from "../trials/withGradients.ts";
import { wordModel } from "./recurrent/wordModel.ts";
import { graphOf, type SuiteTest, trialsPerTest, withExecutable } from "./suiteTest.ts";

/** The backend as if it ran nothing that passes make of several ops. */
function unfused(backend: Backend): Backend {
  return {
    name: backend.name,
    runs: (node) => !ops[node.op].late && backend.runs(node),
    prepare: async (graph, more) => backend.prepare?.(graph, more),
    open: (state) => backend.open(state),
  };
}

/** Throws unless all tensors are equal to the bit. */
function expectSameBits(actual: Tensors, expected: Tensors, label: string): void {
  for (const [name, { data }] of Object.entries(expected)) {
    const given = actual[name]?.data;
    const at = Array.from(data).findIndex((value, i) => !Object.is(given?.[i], value));
    if (at >= 0) throw new Error(`${label}: ${name}[${at}] is ${given?.[at]} fused, ${data[at]} one by one`);
  }
}

async function graphs(backend: Backend, trials = trialsPerTest): Promise<void> {
  for (let seed = 1; seed <= 2 * trials; seed++) {
    const { fetches, feeds, capacities } = withGradients(trialNamed("graphs > random graphs of many ops", seed));
    const results: Tensors[] = [];
    for (const either of [backend, unfused(backend)])
      await withExecutable(either, { graph: graphOf({ fetches }), capacities }, async (executable) => {
        results.push(await executable.run(feeds));
      });
    expectSameBits(results[0] as Tensors, results[1] as Tensors, `graph ${seed}`);
  }
}

const words = 23;
const model = wordModel(words);

/** Optimizers with all that makes their updates long: bounds, decay, accumulation, averages. */
const optimizers: Readonly<Record<string, Optimizer>> = {
  adam: adam({ globalClipnorm: 0.5 }),
  nadam: nadam({ weightDecay: 0.01, clipvalue: 0.1 }),
  rmsprop: rmsprop({ momentum: 0.5, centered: true }),
  adagrad: adagrad({ gradientAccumulationSteps: 2, clipnorm: 0.3 }),
  sgd: sgd({ momentum: 0.9, nesterov: true, useEma: true, emaOverwriteFrequency: 3 }),
};

async function trainedWeights(backend: Backend, optimizer: Optimizer): Promise<Tensors> {
  const random = new RandomStream(5, "fusing");
  const x = Array.from({ length: 12 }, () =>
    Array.from({ length: 1 + random.below(7) }, () => 1 + random.below(words - 1)),
  );
  let next = 0;
  const y = x.map((row) => row.map(() => next++ % words));
  const loss = sparseCategoricalCrossentropy();
  await using trainer = await compile(model, { backend, loss, optimizer, metrics: [accuracy()], seed: 3 });
  await trainer.fit({ x, y }, { epochs: 3, batchSize: 4 });
  return (await trainer.snapshot()).weights;
}

export const fusingTests: readonly SuiteTest[] = [
  { name: "fusing > random graphs and their gradients, to the bit", run: graphs },
  ...Object.entries(optimizers).map(
    ([name, optimizer]): SuiteTest => ({
      name: `fusing > training with ${name}, to the bit`,
      run: async (backend) => {
        const fused = await trainedWeights(backend, optimizer);
        expectSameBits(fused, await trainedWeights(unfused(backend), optimizer), name);
      },
    }),
  ),
];
