/** Every recurrence: each feature over random shapes with gradients, and what must hold between runs. */
import {
  type Backend,
  factsOf,
  feed,
  float32,
  gradients,
  int32,
  RandomStream,
  type RecurrenceName,
  recurrence,
  recurrenceNames,
  sequenceLengths,
  sizeOf,
  type Tensor,
  type Tensors,
  type Value,
} from "@ostinato/core";
import { evaluate } from "../../reference/evaluate.ts";
import { Draw, type Trial } from "../../trials/draw.ts";
import { drawFeatures, drawRecurrence, type RecurrenceFeatures } from "../../trials/recurrent/ops.ts";
import { withGradients } from "../../trials/withGradients.ts";
import {
  decomposing,
  expectClose,
  expectTrials,
  forwardTolerance,
  gradientTolerance,
  graphOf,
  programOf,
  type SuiteTest,
  trialsPerTest,
  withExecutable,
} from "../suiteTest.ts";
import { featuresOf } from "./features.ts";

function* trialsWith(
  name: RecurrenceName,
  title: string,
  features: RecurrenceFeatures,
  trials: number,
): Generator<Trial> {
  for (let seed = 1; seed <= trials; seed++) {
    const draw = new Draw(title, seed);
    yield draw.trial(drawRecurrence(draw, name, features as RecurrenceFeatures<"rnn">));
  }
}

/** Settings whose steps have another shape, each for the tests of fixed sizes; those with a bias of its own have it there. */
const forms: { readonly [R in RecurrenceName]?: readonly RecurrenceFeatures<R>[] } = {
  gru: [{}, { linearBeforeReset: true, recurrentBias: true }],
};

/** A recurrence in one of its forms. */
interface Formed {
  readonly name: RecurrenceName;
  readonly form: RecurrenceFeatures;
}

const formsOf = (name: RecurrenceName): readonly Formed[] =>
  ((forms[name] ?? [{}]) as readonly RecurrenceFeatures[]).map((form) => ({ name, form }));

/** A test of every form, one after another. */
const inEachForm =
  (name: RecurrenceName, run: (formed: Formed, backend: Backend) => Promise<void>): SuiteTest["run"] =>
  async (backend) => {
    for (const formed of formsOf(name)) await run(formed, backend);
  };

/** Fixed sizes at the edges, and larger than any block of a kernel. */
interface Sizes {
  readonly time: number;
  readonly batch: number;
  readonly input: number;
  readonly hidden: number;
}

const edges: readonly Sizes[] = [
  { time: 1, batch: 1, input: 1, hidden: 1 },
  { time: 1, batch: 3, input: 2, hidden: 5 },
  { time: 5, batch: 1, input: 3, hidden: 2 },
  { time: 4, batch: 2, input: 1, hidden: 1 },
  { time: 3, batch: 5, input: 7, hidden: 13 },
  { time: 4, batch: 17, input: 10, hidden: 20 },
  { time: 2, batch: 9, input: 33, hidden: 36 },
];

function fill(random: RandomStream, shape: readonly number[]): Tensor {
  return float32(
    shape,
    Array.from({ length: sizeOf(shape) }, () => 2 * random.uniform() - 1),
  );
}

/** A recurrence with lengths and named batch and time, and the gradients of y and h weighted by feeds. */
function lengthsGraph(
  { name, form: { recurrentBias, ...settings } }: Formed,
  { input, hidden }: Pick<Sizes, "input" | "hidden">,
  direction: "forward" | "reverse" = "forward",
) {
  const rows = factsOf(name).gates.length * hidden;
  const weights = {
    X: feed("X", "float32", ["time", "batch", input]),
    W: feed("W", "float32", [rows, input]),
    R: feed("R", "float32", [rows, hidden]),
    B: feed("B", "float32", [rows]),
    ...(recurrentBias ? { recurrentBias: feed("recurrentBias", "float32", [rows]) } : {}),
  };
  const values = { ...weights, lengths: feed("lengths", "int32", ["batch"]) };
  const outputs = recurrence(name, values, { ...settings, direction });
  const { y, h } = outputs;
  const seeds = [
    { value: y, cotangent: feed("dy", "float32", y.type.shape) },
    { value: h, cotangent: feed("dh", "float32", h.type.shape) },
  ];
  const grads = gradients(seeds, Object.values(weights));
  const named = Object.keys(weights).map((input, i) => [`d${input}`, grads[i] as Value]);
  return graphOf({ fetches: { ...outputs, ...Object.fromEntries(named) } });
}

function lengthsFeeds(
  { name, form }: Formed,
  { time, batch, input, hidden }: Sizes,
  lengths: readonly number[],
): Tensors {
  const random = new RandomStream(1, `${name} feeds`);
  const rows = factsOf(name).gates.length * hidden;
  return {
    X: fill(random, [time, batch, input]),
    W: fill(random, [rows, input]),
    R: fill(random, [rows, hidden]),
    B: fill(random, [rows]),
    ...(form.recurrentBias ? { recurrentBias: fill(random, [rows]) } : {}),
    lengths: int32([batch], lengths),
    dy: fill(random, [time, batch, hidden]),
    dh: fill(random, [batch, hidden]),
  };
}

/** The same over ids, of which there are as many as features. */
function idsGraph(
  { name, form: { recurrentBias, ...settings } }: Formed,
  sizes: Sizes,
  direction: "forward" | "reverse",
) {
  const { input, hidden } = sizes;
  const rows = factsOf(name).gates.length * hidden;
  const inputs = {
    X: feed("X", "int32", ["time", "batch"]),
    W: feed("W", "float32", [input, rows]),
    R: feed("R", "float32", [rows, hidden]),
    B: feed("B", "float32", [rows]),
    ...(recurrentBias ? { recurrentBias: feed("recurrentBias", "float32", [rows]) } : {}),
    lengths: feed("lengths", "int32", ["batch"]),
  };
  return graphOf({ fetches: { ...recurrence(name, inputs, { ...settings, direction }) } });
}

function idsFeeds(formed: Formed, sizes: Sizes, lengths: readonly number[]): Tensors {
  const { X: _, W, dy: __, dh: ___, ...others } = lengthsFeeds(formed, sizes, lengths);
  const { time, batch, input } = sizes;
  const ids = Array.from({ length: time * batch }, (_, i) => (3 * i) % input);
  return { ...others, X: int32([time, batch], ids), W: float32([input, W.shape[0]], W.data) };
}

function compareAll(actual: Tensors, expected: Tensors, label: string): void {
  for (const [name, value] of Object.entries(expected)) {
    expectClose(actual[name], value, `${label}: ${name}`, name.startsWith("d") ? gradientTolerance : forwardTolerance);
  }
}

/** Elements of a [time, batch, width] tensor by step and row. */
function atStep(x: Tensor, t: number, row: number): number[] {
  const [, batch, width] = x.shape;
  return Array.from(x.data.subarray((t * batch + row) * width, (t * batch + row + 1) * width));
}

/** The same tensor at another place: [time, batch, …] or [batch, …] with rows in another order, time extended by `extra` steps. */
function rearranged(x: Tensor, axis: 0 | 1, rows: readonly number[], extra: number, filler: number): Tensor {
  const time = axis === 1 ? x.shape[0] : 1;
  const width = sizeOf(x.shape.slice(axis + 1));
  const shape = axis === 1 ? [time + extra, ...x.shape.slice(1)] : x.shape;
  const data = new Float32Array(sizeOf(shape)).fill(filler);
  for (let t = 0; t < time; t++) {
    rows.forEach((from, to) => {
      const start = (t * rows.length + from) * width;
      data.set(x.data.subarray(start, start + width), (t * rows.length + to) * width);
    });
  }
  return float32(shape, data);
}

const ragged = { sizes: { time: 5, batch: 4, input: 3, hidden: 6 }, lengths: [2, 5, 0, 1] };

const testsOf = (name: RecurrenceName): readonly SuiteTest[] => [
  ...Object.entries(featuresOf(name)).map(
    ([title, drawn]): SuiteTest => ({
      name: `${name} > ${title}`,
      run: (backend, trials = trialsPerTest) => expectTrials(backend, trialsWith(name, title, drawn, trials)),
    }),
  ),
  {
    name: `${name} > edge sizes, and sizes larger than a block`,
    run: inEachForm(name, async (formed, backend) => {
      for (const sizes of edges) {
        const { time, batch } = sizes;
        for (const direction of ["forward", "reverse"] as const) {
          const graph = lengthsGraph(formed, sizes, direction);
          const lengths = Array.from({ length: batch }, (_, row) => [time, 1, 0][row % 3]);
          const feeds = lengthsFeeds(formed, sizes, lengths);
          await withExecutable(backend, { graph, capacities: { time, batch } }, async (executable) => {
            const label = `${JSON.stringify(sizes)} ${direction}`;
            compareAll(await executable.run(feeds), evaluate(graph, feeds).fetches, label);
          });
        }
      }
    }),
  },
  {
    name: `${name} > ids, at edge sizes and at sizes larger than a block`,
    run: inEachForm(name, async (formed, backend) => {
      for (const sizes of edges) {
        const { time, batch } = sizes;
        for (const direction of ["forward", "reverse"] as const) {
          const graph = idsGraph(formed, sizes, direction);
          const lengths = Array.from({ length: batch }, (_, row) => [time, 1, 0][row % 3]);
          const feeds = idsFeeds(formed, sizes, lengths);
          await withExecutable(backend, { graph, capacities: { time, batch } }, async (executable) => {
            const label = `${JSON.stringify(sizes)} ${direction}`;
            compareAll(await executable.run(feeds), evaluate(graph, feeds).fetches, label);
          });
        }
      }
    }),
  },
  {
    name: `${name} > 100 steps`,
    run: inEachForm(name, async (formed, backend) => {
      const sizes = { time: 100, batch: 3, input: 2, hidden: 5 };
      const graph = lengthsGraph(formed, sizes);
      const feeds = lengthsFeeds(formed, sizes, [100, 31, 64]);
      await withExecutable(backend, { graph, capacities: { time: 100, batch: 3 } }, async (executable) => {
        compareAll(await executable.run(feeds), evaluate(graph, feeds).fetches, "100 steps");
      });
    }),
  },
  {
    name: `${name} > native equals decomposed`,
    run: async (backend, trials = trialsPerTest) => {
      await using session = await backend.open({});
      for (let seed = 1; seed <= trials; seed++) {
        const draw = new Draw("native equals decomposed", seed);
        const drawn = drawRecurrence(draw, name, drawFeatures(draw, name));
        const { fetches, feeds, capacities } = withGradients(draw.trial(drawn));
        const graph = graphOf({ fetches });
        const native = await session.compile(await programOf(backend, graph, capacities));
        const decomposed = await session.compile(await programOf(decomposing(backend), graph, capacities));
        compareAll(await native.run(feeds), await decomposed.run(feeds), `trial ${seed}`);
      }
    },
  },
  {
    name: `${name} > past a row's length outputs and gradients are exactly zero`,
    run: inEachForm(name, async (formed, backend) => {
      const { sizes, lengths } = ragged;
      for (const direction of ["forward", "reverse"] as const) {
        const graph = lengthsGraph(formed, sizes, direction);
        await withExecutable(backend, { graph, capacities: sizes }, async (executable) => {
          const { y, dX } = await executable.run(lengthsFeeds(formed, sizes, lengths));
          lengths.forEach((length, row) => {
            for (let t = length; t < sizes.time; t++) {
              const nonzero = [...atStep(y, t, row), ...atStep(dX, t, row)].some((element) => element !== 0);
              if (nonzero) throw new Error(`${direction}: row ${row} of length ${length} is not zero at step ${t}`);
            }
          });
        });
      }
    }),
  },
  {
    name: `${name} > appended padding changes nothing, whatever it holds`,
    run: inEachForm(name, async (formed, backend) => {
      const { sizes, lengths } = ragged;
      const rows = lengths.map((_, row) => row);
      for (const direction of ["forward", "reverse"] as const) {
        const graph = lengthsGraph(formed, sizes, direction);
        await withExecutable(backend, { graph, capacities: { ...sizes, time: sizes.time + 3 } }, async (executable) => {
          const feeds = lengthsFeeds(formed, sizes, lengths);
          const plain = await executable.run(feeds);
          const padded = await executable.run({
            ...feeds,
            X: rearranged(feeds.X, 1, rows, 3, 7),
            dy: rearranged(feeds.dy, 1, rows, 3, 7),
          });
          compareAll(
            padded,
            { ...plain, y: rearranged(plain.y, 1, rows, 3, 0), dX: rearranged(plain.dX, 1, rows, 3, 0) },
            direction,
          );
        });
      }
    }),
  },
  {
    name: `${name} > rows in another order give the same rows in that order`,
    run: inEachForm(name, async (formed, backend) => {
      const { sizes, lengths } = ragged;
      const order = [2, 0, 3, 1];
      const graph = lengthsGraph(formed, sizes);
      await withExecutable(backend, { graph, capacities: sizes }, async (executable) => {
        const feeds = lengthsFeeds(formed, sizes, lengths);
        const plain = await executable.run(feeds);
        const moved = await executable.run({
          ...feeds,
          X: rearranged(feeds.X, 1, order, 0, 0),
          dy: rearranged(feeds.dy, 1, order, 0, 0),
          dh: rearranged(feeds.dh, 0, order, 0, 0),
          lengths: int32(
            [4],
            order.map((row) => lengths[row]),
          ),
        });
        compareAll(
          moved,
          {
            ...plain,
            y: rearranged(plain.y, 1, order, 0, 0),
            dX: rearranged(plain.dX, 1, order, 0, 0),
            ...Object.fromEntries(
              factsOf(name).states.map((state) => [state, rearranged(plain[state], 0, order, 0, 0)]),
            ),
          },
          "moved rows",
        );
      });
    }),
  },
  {
    name: `${name} > two layers, lengths found in the ids`,
    run: (backend, trials = trialsPerTest) => expectTrials(backend, stackedTrials(name, trials)),
  },
];

export const recurrenceTests: readonly SuiteTest[] = recurrenceNames.flatMap(testsOf);

/** A recurrence over one in the other direction, with the lengths of padded ids. */
function* stackedTrials(name: RecurrenceName, trials: number): Generator<Trial> {
  const gates = factsOf(name).gates.length;
  for (let seed = 1; seed <= trials; seed++) {
    const draw = new Draw("stacked", seed);
    const known = (size: number) => ({ dim: size, size });
    const [time, batch] = [draw.named("time", 5), draw.named("batch", 4)];
    const lengths = sequenceLengths(draw.int("ids", [time, batch], 0, draw.one([0, 1, 3])));
    let X = draw.float("X", [time, batch, known(3)]);
    let last = X;
    for (const [layer, direction] of (["forward", "reverse"] as const).entries()) {
      const hidden = draw.number(5).size;
      const inputSize = X.type.shape[2] as number;
      const W = draw.float(`W${layer}`, [known(gates * hidden), known(inputSize)], -1, 1);
      const R = draw.float(`R${layer}`, [known(gates * hidden), known(hidden)], -1, 1);
      const B = draw.float(`B${layer}`, [known(gates * hidden)], -1, 1);
      ({ y: X, h: last } = recurrence(name, { X, W, R, B, lengths }, { direction }));
    }
    yield draw.trial({ y: X, h: last });
  }
}
