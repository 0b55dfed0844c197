/** Every layer, every loss and whole training graphs over random shapes, values and gradients. */
import { Draw, type Trial } from "../trials/draw.ts";
import { layerTrials, lossTrials, trainingTrial } from "../trials/layers.ts";
import type { OpTrial } from "../trials/ops.ts";
import { expectTrials, type SuiteTest, trialsPerTest } from "./suiteTest.ts";

/** What is drawn, by the name of its test. */
export const modelTrials: Readonly<Record<string, OpTrial>> = {
  ...Object.fromEntries(Object.entries(layerTrials).map(([name, trial]) => [`layers > ${name}`, trial])),
  ...Object.fromEntries(Object.entries(lossTrials).map(([name, trial]) => [`losses > ${name}`, trial])),
  "training > loss, metrics and gradients of random models": trainingTrial,
};

/** One random trial of a test. */
export function modelTrial(name: string, seed: number): Trial {
  const draw = new Draw(name, seed);
  return draw.trial(modelTrials[name](draw));
}

function* trialsOf(name: string): Generator<Trial> {
  for (let seed = 1; seed <= trialsPerTest; seed++) yield modelTrial(name, seed);
}

export const layerTests: readonly SuiteTest[] = Object.keys(modelTrials).map((name) => ({
  name,
  run: (backend) => expectTrials(backend, trialsOf(name)),
}));
