/** A training on a backend, whose figures and weights must be those of the same training on the reference. */
import type { Backend, EpochEvent, Tensors } from "@ostinato/core";
import { reference } from "../reference/backend.ts";
import { expectClose, type SuiteTest } from "./suiteTest.ts";

/** What a training leaves behind. */
export interface Training {
  readonly epochs: readonly EpochEvent[];
  readonly weights: Tensors;
}

/** Figures within 5e-5, so that two backends are within 1e-4 of each other; weights looser, since Adam divides by small numbers. */
export function followsReference(name: string, train: (backend: Backend) => Promise<Training>): SuiteTest {
  return {
    name: `training > ${name} follow the reference`,
    run: async (backend) => {
      const [actual, expected] = [await train(backend), await train(reference())];
      expected.epochs.forEach(({ seconds: _, ...figures }, epoch) => {
        for (const [figure, value] of Object.entries(figures)) {
          const got = actual.epochs[epoch][figure];
          if (!(Math.abs(got - value) <= 5e-5))
            throw new Error(`epoch ${epoch + 1}: ${figure} is ${got}, not ${value}`);
        }
      });
      for (const [weight, value] of Object.entries(expected.weights))
        expectClose(actual.weights[weight], value, weight, { absolute: 1e-3, relative: 1e-3 });
    },
  };
}
