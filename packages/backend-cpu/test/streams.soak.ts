/** Random models in search of one that is streamed and should not be: whatever a stream takes gives the bits of whole rows. */
import { gruCell, readout, residual, scale } from "@ostinato/conformance";
import {
  activation,
  add,
  additiveAttention,
  attention,
  average,
  bidirectional,
  ConfigError,
  compile,
  concatenate,
  dense,
  dropout,
  gaussianNoise,
  globalAveragePooling1d,
  globalMaxPooling1d,
  gru,
  input,
  lastStep,
  layerNormalization,
  lstm,
  type Model,
  meanSquaredError,
  model,
  predictor,
  RandomStream,
  repeatAlong,
  rnn,
  type Symbolic,
  sgd,
  simpleRnn,
  spatialDropout1d,
  subtract,
  timeDistributed,
} from "@ostinato/core";
import { expect, test } from "vitest";
import { cpu } from "../src/index.ts";

type Sequence = Symbolic<"sequence">;
type Features = Symbolic<"features">;

const WIDTH = 3;
const STEPS = 7;

/** What makes a sequence of another, or of two. */
const overTime: readonly ((x: Sequence, y: Sequence, random: RandomStream) => Sequence)[] = [
  (x) => dense({ units: WIDTH, activation: "softmax" })(x),
  (x) => activation({ activation: "silu" })(x),
  (x) => layerNormalization()(x) as Sequence,
  (x) => timeDistributed(dense({ units: WIDTH, activation: "tanh" }))(x) as Sequence,
  (x) => timeDistributed(scale({ initial: 2 }))(x) as Sequence,
  (x) => dropout({ rate: 0.5 })(x),
  (x) => spatialDropout1d({ rate: 0.5 })(x) as Sequence,
  (x) => gaussianNoise({ stddev: 1 })(x) as Sequence,
  (x) => scale({ initial: 1.5 })(x),
  (x) => residual({ layer: dense({ units: WIDTH }) })(x),
  (x) => residual({ layer: lstm({ units: WIDTH, returnSequences: true }) as never })(x),
  (x) => lstm({ units: WIDTH, returnSequences: true })(x),
  (x) => gru({ units: WIDTH, returnSequences: true, resetAfter: false })(x),
  (x) => simpleRnn({ units: WIDTH, returnSequences: true, activation: "sigmoid" })(x),
  (x) => rnn([gruCell({ units: 2 }), readout({ units: 2, outputs: WIDTH })], { returnSequences: true })(x),
  (x, y) => add()([x, y]),
  (x, y) => subtract()([x, y]),
  (x, y) => average()([x, y]),
  (x, y) => dense({ units: WIDTH })(concatenate()([x, y])),
  (x) => bidirectional(gru({ units: WIDTH, returnSequences: true }), { mergeMode: "sum" })(x) as Sequence,
  (x) => lstm({ units: WIDTH, returnSequences: true, reverse: true })(x),
  (x, y) => attention()([x, y]) as Sequence,
  (x, y) => additiveAttention()([x, y]) as Sequence,
  (x, y) => repeatAlong()([gru({ units: WIDTH })(x), y]) as Sequence,
  (x, y) => {
    const [, h] = gru({ units: WIDTH, returnState: true })(x);
    return gru({ units: WIDTH, returnSequences: true })(y, { initialState: [h] });
  },
];

/** What makes one vector of a sequence. */
const toEnd: readonly ((x: Sequence) => Features)[] = [
  (x) => lstm({ units: WIDTH })(x),
  (x) => rnn(readout({ units: 2, outputs: WIDTH }))(x),
  (x) => simpleRnn({ units: WIDTH })(x),
  (x) => globalMaxPooling1d()(x) as Features,
  (x) => globalAveragePooling1d()(x) as Features,
  (x) => lastStep()(x) as Features,
];

function drawModel(random: RandomStream): Model {
  const x = input({ shape: ["time", WIDTH], lengths: random.below(2) === 1 });
  const made: Sequence[] = [x];
  const one = (): Sequence => made[random.below(made.length)] as Sequence;
  const count = 1 + random.below(4);
  for (let i = 0; i < count; i++)
    made.push((overTime[random.below(overTime.length)] as (typeof overTime)[0])(one(), one(), random));
  const last = made.at(-1) as Sequence;
  if (random.below(2) === 0) return model(x, last);
  const ends = [last, one()].map((sequence) => (toEnd[random.below(toEnd.length)] as (typeof toEnd)[0])(sequence));
  return model(x, dense({ units: 2 })(add()(ends)));
}

test("what a stream takes gives the bits of whole rows", async () => {
  const random = new RandomStream(1, "streams");
  const backend = await cpu();
  let streamed = 0;
  const refused = new Set<string>();
  for (let trial = 0; trial < 2000; trial++) {
    const of = drawModel(random);
    await using trainer = await compile(of, { backend, loss: meanSquaredError(), optimizer: sgd(), seed: trial });
    await using reader = await predictor(await trainer.snapshot(), { backend });
    const row = Array.from({ length: STEPS }, () => Array.from({ length: WIDTH }, () => 2 * random.uniform() - 1));
    let stream: ReturnType<typeof reader.stream>;
    try {
      stream = reader.stream();
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError);
      refused.add(/the (\w+)/.exec(String(error))?.[1] ?? "");
      continue;
    }
    streamed += 1;
    const overTimes = (await reader.predict([row])).shape.length === 3;
    const parts: number[] = [];
    let last: number[] = [];
    for (let at = 0; at < STEPS; ) {
      const size = 1 + random.below(3);
      const { data } = await stream.step([row.slice(at, at + size)]);
      last = [...data];
      parts.push(...data);
      at += size;
    }
    const whole = [...(await reader.predict([row])).data];
    const kinds = of.spec.layers.map(({ kind }) => kind).join();
    expect(overTimes ? parts : last, `trial ${trial}: ${kinds}`).toEqual(whole);
  }
  expect(streamed).toBeGreaterThan(500);
  expect([...refused].sort()).toEqual(
    [
      "attention",
      "additiveAttention",
      "bidirectional",
      "globalAveragePooling1d",
      "globalMaxPooling1d",
      "gru",
      "lastStep",
      "lstm",
      "repeatAlong",
    ].sort(),
  );
});
