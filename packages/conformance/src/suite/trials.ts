/** Every random trial, values and gradients: ops, scans, graphs, layers, losses, models; products larger than any block of a kernel. */
import {
  dot,
  dropoutMask,
  feed,
  fillDropoutMask,
  fillNormalNoise,
  int32,
  normalNoise,
  opNames,
  ops,
  type Value,
} from "@ostinato/core";
import { trialNamed, trialNames } from "../trials/all.ts";
import { Draw, type Trial } from "../trials/draw.ts";
import {
  expectTrials,
  forwardTolerance,
  gradientTolerance,
  type SuiteTest,
  trialsPerTest,
  withExecutable,
} from "./suiteTest.ts";

function* trialsOf(name: string, trials: number): Generator<Trial> {
  const count = name.startsWith("graphs") ? 3 * trials : trials;
  for (let seed = 1; seed <= count; seed++) yield trialNamed(name, seed);
}

/** [rows, inner] · [inner, columns] in every layout of the operands. */
function* largeProducts(): Generator<Trial> {
  for (const [rows, inner, columns] of [
    [17, 33, 19],
    [1, 64, 9],
    [65, 7, 1],
  ]) {
    for (const [left, right] of [
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
    ]) {
      const draw = new Draw("large products", rows + left + right);
      const known = (size: number) => ({ dim: size, size });
      const a = draw.float("a", left === 0 ? [known(inner), known(rows)] : [known(rows), known(inner)]);
      const b = draw.float("b", right === 0 ? [known(inner), known(columns)] : [known(columns), known(inner)]);
      yield draw.trial({ y: dot(a, b, { contract: [[left], [right]] }) });
    }
  }
}

const key = { seed: 123456789, site: -7 };

/** The ops whose random numbers are those of core's generators, and these. */
const randomNumbers = {
  dropoutMask: {
    ofStep: (step: Value, at: typeof key & { shape: number[] }) => dropoutMask(step, { rate: 0.3, ...at }),
    fill: (to: Float32Array, step: number) =>
      fillDropoutMask(to, 0, to.length, 0.3, key.seed, key.site, step, new Uint32Array(2)),
  },
  normalNoise: {
    ofStep: normalNoise,
    fill: (to: Float32Array, step: number) =>
      fillNormalNoise(to, 0, to.length, key.seed, key.site, step, new Uint32Array(2)),
  },
};

export const trialTests: readonly SuiteTest[] = [
  ...trialNames.map((name): SuiteTest => {
    const isGradient = opNames.some((op) => ops[op].gradientOf && name === `ops > ${op}`);
    const tolerance = isGradient ? gradientTolerance : forwardTolerance;
    return {
      name,
      run: (backend, trials = trialsPerTest) => expectTrials(backend, trialsOf(name, trials), tolerance),
    };
  }),
  { name: "ops > dot, larger than a block", run: (backend) => expectTrials(backend, largeProducts()) },
  ...Object.entries(randomNumbers).map(
    ([name, { ofStep, fill }]): SuiteTest => ({
      name: `ops > ${name}, bit by bit`,
      run: async (backend) => {
        const values = ofStep(feed("step", "int32", []), { ...key, shape: [13, 7] });
        await withExecutable(backend, { graph: { fetches: { values }, updates: [] } }, async (executable) => {
          for (const step of [0, 1, 99]) {
            const expected = new Float32Array(13 * 7);
            fill(expected, step);
            const { values: actual } = await executable.run({ step: int32([], [step]) });
            if (Float32Array.from(actual.data).join() !== expected.join()) throw new Error(`step ${step}: other bits`);
          }
        });
      },
    }),
  ),
];
