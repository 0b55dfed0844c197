/** Models that cannot be streamed, and wrong use of streams: errors that say what is wrong with what, and the way out. */
import { reference } from "@ostinato/conformance";
import {
  adam,
  attention,
  bidirectional,
  type Carry,
  ConfigError,
  compile,
  concatenate,
  DataError,
  type DTypeError,
  defineLayer,
  dense,
  embedding,
  type Flow,
  float32,
  globalMaxPooling1d,
  gru,
  input,
  lastStep,
  lstm,
  type Model,
  meanSquaredError,
  model,
  type OstinatoError,
  type OutputsByKind,
  recurrence,
  ShapeError,
  type Stream,
  sequential,
  type Trainer,
  type Value,
} from "@ostinato/core";
import {
  add,
  broadcast,
  cast,
  constant,
  dot,
  expandDims,
  full,
  gather,
  iota,
  max,
  mul,
  reshape,
  reverse,
  sequenceMask,
  slice,
  softmax,
  sum,
  transpose,
} from "@ostinato/core/graph";
import { describe, expect, test } from "vitest";
import { attend } from "../src/index.ts";

const trainerOf = ({ spec }: Model): Promise<Trainer> =>
  compile({ spec }, { backend: reference(), loss: meanSquaredError(), optimizer: adam() });

const x = input({ shape: ["time", 2] });
const withLengths = input({ shape: ["time", 2], lengths: true });
const time = "time";

/** A model of one layer of one's own that does something to the values [time, batch, 2] of a sequence. */
const chain = (
  act: (values: Value, flow: Flow) => Value,
  gives: OutputsByKind[keyof OutputsByKind] = "sequence",
): Model => {
  const own = defineLayer({
    kind: "own",
    parse: () => ({}),
    takes: "a sequence",
    outputs: { sequence: gives },
    build(_context, _config, [flow]) {
      const values = act(flow.values, flow);
      return [gives === "sequence" ? { ...flow, values } : { kind: "features", values }];
    },
  });
  return sequential([withLengths, own() as never]);
};

const [encoded, h] = gru({ units: 2, returnSequences: true, returnState: true })(x);

/** Models, and what is wrong with each. */
const unfit: Readonly<Record<string, readonly [() => Model, string]>> = {
  "a recurrence in both directions": [
    () => sequential([x, bidirectional(lstm({ units: 2 }))]),
    'the bidirectional "bidirectional" cannot take steps as they come, because it reads each row from its end; predict takes whole rows',
  ],
  "one that reads from the end": [
    () => sequential([x, dense({ units: 2 }), gru({ units: 2, reverse: true })]),
    'the gru "gru" cannot take steps as they come, because it reads each row from its end',
  ],
  "a recurrence that begins with what another ends with": [
    () => model(x, gru({ units: 2 })(encoded, { initialState: [h] })),
    'the gru "gru_1" cannot take steps as they come, because it begins with what is known after its steps only',
  ],
  "attention over a row": [
    () => model(x, attend()([encoded, h])),
    'the attend "attend" cannot take steps as they come, because it uses at each step what is known after all of them only',
  ],
  "attention among the steps of a row": [
    () => model(x, attention()([encoded, encoded])),
    'the attention "attention" cannot take steps as they come, because it',
  ],
  "a maximum over a row": [
    () => sequential([x, globalMaxPooling1d()]),
    'the globalMaxPooling1d "globalMaxPooling1d" cannot take steps as they come, because it',
  ],
  "the last step of a row": [
    () => sequential([x, lastStep()]),
    'the lastStep "lastStep" cannot take steps as they come, because it',
  ],
  "a model without time": [
    () => sequential([input({ shape: [3] }), dense({ units: 1 })]),
    "stream: the model has no input over time; predict takes its rows",
  ],
  "a sum over steps": [() => chain((values) => sum(values, [0]), "features"), "it sums over the steps of a row"],
  "a maximum over steps": [
    () => chain((values) => max(values, [0]), "features"),
    "it takes the largest of the steps of a row",
  ],
  "the last step": [
    () => chain((values) => reshape(slice(values, 0, -1, 1), ["batch", 2]), "features"),
    "it takes some of the steps of a row",
  ],
  "steps in another order": [() => chain((values) => reverse(values, 0)), "it reads each row from its end"],
  "steps that are looked up": [
    () => chain((values) => sum(gather(values, constant([0, 0], "int32", [2])), [0]), "features"),
    "it looks steps up by number",
  ],
  "a step and all the others": [
    () =>
      chain((values) => {
        const scores = softmax(dot(values, values, { batch: [[1], [1]], contract: [[2], [2]] }));
        return transpose(dot(scores, values, { batch: [[0], [1]], contract: [[2], [0]] }), [1, 0, 2]);
      }),
    "it compares each step with the others",
  ],
  "the number of a step": [
    () => chain((values) => add(values, broadcast(cast(iota(time), "float32"), values.type.shape, [0]))),
    "it counts its steps from the first that it is given",
  ],
  "how many steps there are": [
    () => chain((values) => mul(values, broadcast(sum(cast(iota(time), "float32"), [0]), values.type.shape, []))),
    "it counts its steps from the first that it is given",
  ],
  "how long a row is": [
    () =>
      chain((values, { lengths }) => mul(values, broadcast(cast(lengths as Value, "float32"), values.type.shape, [1]))),
    "it computes with the number of steps that it is given",
  ],
  "the length of a row as its output": [
    () => chain((_, { lengths }) => expandDims(cast(lengths as Value, "float32"), 1), "features"),
    "it gives the number of steps that it is given",
  ],
  "a recurrence of one's own whose state does not go on": [
    () =>
      chain((values, { lengths }) => {
        const weights = { W: full(1, [2, 2]), R: full(0.5, [2, 2]), B: full(0, [2]) };
        return recurrence("rnn", { X: values, ...weights, ...(lengths ? { lengths } : {}) }).y;
      }),
    "it begins anew with the first step that it is given: its states do not go on (see carry of the build context)",
  ],
};

describe("a model that needs more of a row than the steps that are there", () => {
  test.each(Object.keys(unfit))("%s", async (what) => {
    const [make, message] = unfit[what] as (typeof unfit)[string];
    await using trainer = await trainerOf(make());
    expect(() => trainer.stream()).toThrow(ConfigError);
    expect(() => trainer.stream()).toThrow(message);
  });

  test("steps that are masked by lengths are no such thing", async () => {
    const masked = chain((values, { lengths }) =>
      mul(values, expandDims(cast(sequenceMask(lengths as Value, time), "float32"), 2)),
    );
    await using trainer = await trainerOf(masked);
    expect((await trainer.stream().step([[1, 2]])).shape).toEqual([1, 2]);
  });
});

describe("what a stream is given", () => {
  type Wrong = readonly [
    batchSize: number,
    act: (stream: Stream) => unknown,
    error: typeof OstinatoError | typeof DTypeError,
    message: string,
  ];
  const ids: Readonly<Record<string, Wrong>> = {
    "too many rows": [
      1,
      (s) => s.step([1, 2]),
      ShapeError,
      'input "input" has 2 rows, the stream 1; a row without a step is an empty list: [[…], []]',
    ],
    "too few rows": [2, (s) => s.step([[1, 2]]), ShapeError, 'input "input" has 1 row, the stream 2'],
    "an id that there is not": [
      2,
      (s) => s.step([1, 9]),
      DataError,
      'embedding "embedding": input "input", row 1 has the id 9 at step 0, outside 0 … 7',
    ],
    "the same among several steps": [1, (s) => s.step([[1, -1]]), DataError, "row 0 has the id -1 at step 1"],
    "no whole number": [1, (s) => s.step([1.5]), DataError, 'input "input", row 0: a whole number is wanted, got 1.5'],
    "a text": [
      1,
      (s) => s.step(["word"] as never),
      DataError,
      'input "input", row 0: a whole number is wanted, got the string "word"; texts become ids by',
    ],
    nothing: [1, (s) => s.step(undefined as never), ShapeError, 'input "input" must be int32[rows, time]'],
    "another input": [1, (s) => s.step({ other: [1] }), DataError, 'x: the model has no input "other"; it has input'],
    "a row that there is not": [2, (s) => s.reset([2]), ConfigError, "reset: rows are 0 … 1, got 2"],
    "half a row": [2, (s) => s.reset([0.5]), ConfigError, "reset: rows are 0 … 1, got 0.5"],
  };
  const features: Readonly<Record<string, Wrong>> = {
    "a vector of another size": [
      2,
      (s) => s.step([[1, 2], [3]]),
      ShapeError,
      'input "input": a step has 2 numbers, that of row 1 is a list of 1',
    ],
    "a number for a vector": [1, (s) => s.step([1]), ShapeError, 'input "input" must be float32[rows, time, 2]'],
    "what is not finite": [
      1,
      (s) => s.step([[1, Number.NaN]]),
      DataError,
      'input "input", row 0: a finite number is wanted, got NaN',
    ],
    "the same in a tensor": [
      1,
      (s) => s.step(float32([1, 2], [1, Number.NaN])),
      DataError,
      'input "input", row 0: a finite number is wanted, got NaN',
    ],
  };
  const models = {
    ids: sequential([embedding({ inputDim: 8, outputDim: 2 }), gru({ units: 2 })]),
    features: sequential([x, gru({ units: 2 })]),
  };

  for (const [kind, cases] of Object.entries({ ids, features }))
    test.each(Object.keys(cases))(`${kind}: %s`, async (what) => {
      const [batchSize, act, error, message] = cases[what] as Wrong;
      await using trainer = await trainerOf(models[kind as keyof typeof models]);
      await using stream = trainer.stream({ batchSize });
      const good = kind === "ids" ? Array(batchSize).fill(1) : Array(batchSize).fill([1, 2]);
      const before = (await stream.step(good)).data;
      const failure = await (async () => act(stream))().catch((thrown: unknown) => thrown);
      expect(failure).toBeInstanceOf(error);
      expect(String(failure)).toContain(message);
      // States are those of before.
      await using another = trainer.stream({ batchSize });
      expect((await another.step(good)).data).toEqual(before);
      expect((await stream.step(good)).data).toEqual((await another.step(good)).data);
    });

  test("and its options", async () => {
    await using trainer = await trainerOf(models.ids);
    expect(() => trainer.stream({ batchSize: 0 })).toThrow("stream: batchSize must be a whole number from 1 on, got 0");
    expect(() => trainer.stream({ rows: 2 } as never)).toThrow('stream has no option "rows"');
    expect(() => trainer.stream(2 as never)).toThrow(ConfigError);
  });
});

describe("states of a layer of one's own", () => {
  const wrong: Readonly<Record<string, readonly [(carry: Carry, values: Value) => void, string]>> = {
    "begun twice": [
      (carry) => [carry.begin("h", 2), carry.begin("h", 2)],
      'the state "h" was begun before; give each a name of its own',
    ],
    "never ended": [
      (carry) => carry.begin("h", 2),
      'the state "h" is begun and never ended; tell carry.end what it becomes',
    ],
    "never begun": [
      (carry, values) => carry.end("h", sum(values, [0])),
      'the state "h" must be begun before it is ended, and ended once',
    ],
    "ended in another size": [
      (carry, values) => [carry.begin("h", 3), carry.end("h", sum(values, [0]))],
      'the state "h" must end as float32[batch, 3], it is float32[batch, 2]',
    ],
    "ended as no value": [
      (carry) => [carry.begin("h", 3), carry.end("h", 1 as never)],
      'the state "h" at the end must be float32 [batch, size], got 1',
    ],
    "of no size": [(carry) => carry.begin("h", 0), 'the state "h" must have a size, a whole number from 1 on, got 0'],
    "of no name": [(carry) => carry.begin("a state", 2), "the name of a state must be"],
    "begun with something else": [
      (carry, values) => carry.begin("h", 2, values),
      'the initial state "h" must be float32 [batch, size], got float32[time, batch, 2]',
    ],
  };

  test.each(Object.keys(wrong))("%s", async (what) => {
    const [act, message] = wrong[what] as (typeof wrong)[string];
    const own = defineLayer({
      kind: "own",
      parse: () => ({}),
      takes: "a sequence",
      outputs: { sequence: "sequence" },
      build({ carry }, _config, [flow]) {
        if (carry) act(carry, flow.values);
        return [flow];
      },
    });
    const failure = await (async () => (await trainerOf(sequential([x, own()]))).stream())().catch(
      (thrown: unknown) => thrown,
    );
    expect(String(failure)).toContain(`own "own": ${message}`);
  });

  test("two inputs over different times are read each at its own pace", async () => {
    const y = input({ shape: ["other", 2], name: "y" });
    const both = model([x, y], dense({ units: 1 })(concatenate()([gru({ units: 2 })(x), gru({ units: 2 })(y)])));
    await using trainer = await trainerOf(both);
    const whole = await trainer.predict({
      input: [
        [
          [1, 2],
          [3, 4],
        ],
      ],
      y: [[[5, 6]]],
    });
    await using stream = trainer.stream();
    await stream.step({ input: [[1, 2]], y: [[]] });
    const { data } = await stream.step({ input: [[3, 4]], y: [[5, 6]] });
    expect(data[0]).toBeCloseTo(whole.data[0] as number, 6);
  });

  test("two inputs over the same time go on together", async () => {
    const [a, b] = [input({ shape: ["time", 1], name: "a" }), input({ shape: ["time", 1], name: "b" })];
    await using trainer = await trainerOf(model([a, b], gru({ units: 2 })(concatenate()([a, b]))));
    await using stream = trainer.stream({ batchSize: 2 });
    await stream.step({ a: [[1], []], b: [[2], []] });
    await expect(stream.step({ a: [[[1], [2]], [[3]]], b: [[[1], [2]], []] })).rejects.toThrow(
      'row 1 has 1 steps of "a" and 0 of "b", which are over the same time "time"; give it as many of each',
    );
  });
});
