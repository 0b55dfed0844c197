/** Training: the same small model, seed and data give the losses of the reference, and hold on to nothing. */
import { type RecurrenceName, recurrenceNames, type Tensors } from "@ostinato/core";
import { evaluate } from "../reference/evaluate.ts";
import { classifier, classifierBatch, classifierCapacities, type Optimizer } from "./classifier.ts";
import { expectClose, type SuiteTest, withExecutable } from "./suiteTest.ts";

const steps = 20;

/** Losses so close to the reference that two backends are within 1e-4 of each other; parameters looser, since Adam divides by small numbers. */
const parity = (optimizer: Optimizer, name: RecurrenceName): SuiteTest => ({
  name: `training > 20 steps of ${optimizer} through ${name} follow the reference`,
  run: async (backend) => {
    const { graph, state } = classifier(optimizer, name);
    await withExecutable(backend, { graph, capacities: classifierCapacities, state }, async (executable, session) => {
      let known: Tensors = state;
      for (let step = 0; step < steps; step++) {
        const feeds = classifierBatch(step);
        const expected = evaluate(graph, feeds, known);
        known = expected.state;
        const { loss } = await executable.run(feeds);
        expectClose(loss, expected.fetches.loss, `loss of step ${step}`, { absolute: 5e-5, relative: 0 });
      }
      const trained = await session.readState();
      for (const [parameter, value] of Object.entries(known)) {
        expectClose(trained[parameter], value, parameter, { absolute: 1e-3, relative: 1e-3 });
      }
    });
  },
});

const repeated = (name: RecurrenceName): SuiteTest => ({
  name: `training > the same steps through ${name} twice give the same bits`,
  run: async (backend) => {
    const { graph, state } = classifier("adam", name);
    const runs: Tensors[] = [];
    for (let k = 0; k < 2; k++) {
      await withExecutable(backend, { graph, capacities: classifierCapacities, state }, async (executable, session) => {
        for (let step = 0; step < 5; step++) await executable.run(classifierBatch(step));
        runs.push(await session.readState());
      });
    }
    const [first, second] = runs;
    for (const parameter of Object.keys(state)) {
      if (first[parameter].data.join() !== second[parameter].data.join()) throw new Error(`${parameter} differs`);
    }
  },
});

export const trainingTests: readonly SuiteTest[] = recurrenceNames.flatMap((name) => [
  parity("sgd", name),
  parity("adam", name),
  repeated(name),
]);

/** Runs 100 steps, asking after each but the first how many device buffers are alive. */
export function liveBuffersTest(liveBuffers: () => number): SuiteTest {
  return {
    name: "training > live buffers stay flat over 100 steps",
    run: async (backend) => {
      const before = liveBuffers();
      const { graph, state } = classifier("adam");
      await withExecutable(backend, { graph, capacities: classifierCapacities, state }, async (executable) => {
        await executable.run(classifierBatch(0));
        const flat = liveBuffers();
        for (let step = 1; step <= 100; step++) {
          await executable.run(classifierBatch(step));
          if (liveBuffers() !== flat) throw new Error(`step ${step}: ${liveBuffers()} live buffers, ${flat} before`);
        }
      });
      if (liveBuffers() !== before) throw new Error(`${liveBuffers()} live buffers after dispose, ${before} before`);
    },
  };
}
