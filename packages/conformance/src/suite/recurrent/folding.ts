/** Folding: look-ups of products made beforehand, against the same model in a program that trains, which is not folded. */
import {
  type Backend,
  type Executable,
  factsOf,
  feed,
  float32,
  type Graph,
  int32,
  RandomStream,
  type RecurrenceName,
  type RecurrenceSettings,
  recurrence,
  recurrenceNames,
  sequenceLengths,
  sizeOf,
  type Tensor,
  type Tensors,
} from "@ostinato/core";
import { add, concat, dot, gather, matmul, mul, sigmoid, state, tanh, transpose } from "@ostinato/core/graph";
import { expectClose, programOf, type SuiteTest } from "../suiteTest.ts";

interface Sizes {
  readonly words: number;
  readonly features: number;
  readonly units: number;
}

const forms: { readonly [R in RecurrenceName]?: readonly RecurrenceSettings<R>[] } = {
  gru: [{}, { linearBeforeReset: true }],
};

/** Ids through an embedding, a recurrence each way, and a probability; beside it a dense layer over the steps. */
function textGraph(name: RecurrenceName, settings: object, { words, features, units }: Sizes): Graph["fetches"] {
  const rows = factsOf(name).gates.length * units;
  const weights = (suffix: string, ...shape: number[]) => state(suffix, "float32", shape);
  const ids = transpose(feed("ids", "int32", ["batch", "time"]), [1, 0]);
  const X = gather(weights("table", words, features), ids);
  const lengths = sequenceLengths(ids);
  const last = (["forward", "reverse"] as const).map((direction) => {
    const [W, R, B] = [[rows, features], [rows, units], [rows]].map((shape, i) =>
      weights(`${direction}/${"WRB"[i]}`, ...shape),
    );
    return recurrence(name, { X, W, R, B, lengths }, { ...settings, direction }).h;
  });
  const probability = sigmoid(dot(concat(last, 1), weights("output", 2 * units), { contract: [[1], [0]] }));
  const tags = tanh(add(matmul(X, weights("kernel", features, units)), weights("bias", units)));
  return { probability, tags };
}

/** The same with an update, which halves the table. */
function trainingGraph(fetches: Graph["fetches"], { words, features }: Sizes): Graph {
  return { fetches, updates: [{ name: "table", value: mul(state("table", "float32", [words, features]), 0.5) }] };
}

function stateFor(name: RecurrenceName, { words, features, units }: Sizes): Tensors {
  const random = new RandomStream(3, `folding ${name}`);
  const rows = factsOf(name).gates.length * units;
  const fill = (...shape: number[]): Tensor =>
    float32(
      shape,
      Array.from({ length: sizeOf(shape) }, () => 0.6 * random.uniform() - 0.3),
    );
  const directions = ["forward", "reverse"].flatMap((direction) => [
    [`${direction}/W`, fill(rows, features)],
    [`${direction}/R`, fill(rows, units)],
    [`${direction}/B`, fill(rows)],
  ]);
  const others = { table: fill(words, features), output: fill(2 * units), kernel: fill(features, units) };
  return { ...Object.fromEntries(directions), ...others, bias: fill(units) };
}

/** Rows of words, of any length up to `time`, padded with zeros. */
function rowsOf({ words }: Sizes, count: number, time: number): number[][] {
  const random = new RandomStream(4, "rows");
  return Array.from({ length: count }, () => {
    const length = 1 + Math.floor(random.uniform() * time);
    return Array.from({ length: time }, (_, t) => (t < length ? 1 + Math.floor(random.uniform() * (words - 1)) : 0));
  });
}

const feedOf = (rows: readonly number[][]): Tensors => ({ ids: int32([rows.length, rows[0].length], rows.flat()) });

const cases = recurrenceNames.flatMap((name) =>
  ((forms[name] ?? [{}]) as readonly object[]).flatMap((settings) =>
    [10, 128].map((features) => ({ name, settings, sizes: { words: 41, features, units: 20 } })),
  ),
);

/** All outputs of a run as bytes, a row each. */
async function bitsOf(executable: Executable, rows: readonly number[][]): Promise<string[]> {
  const { probability, tags } = await executable.run(feedOf(rows));
  const [time, batch, units] = tags.shape;
  return rows.map((_, row) => {
    const steps = Array.from({ length: time }, (_, t) => {
      const start = (t * batch + row) * units;
      return [...tags.data.subarray(start, start + units)];
    });
    const numbers = Float32Array.of(probability.data[row], ...steps.flat());
    return new Int32Array(numbers.buffer).join();
  });
}

/**
 * The bits of every output, a text for each row of each case. Throws unless a row has the same ones alone and in batches of 7 and 33, in programs of
 * other capacities. That holds of the backends that promise it.
 */
export async function rowBits(backend: Backend): Promise<string[]> {
  const bits: string[] = [];
  for (const { name, settings, sizes } of cases) {
    const graph = { fetches: textGraph(name, settings, sizes), updates: [] };
    await using session = await backend.open(stateFor(name, sizes));
    const rows = rowsOf(sizes, 33, 30);
    const all = await bitsOf(await session.compile(await programOf(backend, graph, { batch: 33, time: 30 })), rows);
    bits.push(...all);
    for (const [size, capacity] of [
      [1, 1],
      [7, 7],
      [7, 64],
      [1, 33],
    ]) {
      const executable = await session.compile(await programOf(backend, graph, { batch: capacity, time: 40 }));
      for (let start = 0; start + size <= 33; start += size) {
        const some = await bitsOf(executable, rows.slice(start, start + size));
        some.forEach((own, i) => {
          if (own !== all[start + i])
            throw new Error(`${name}, ${sizes.features} features: row ${start + i} has other bits among ${size}`);
        });
      }
    }
  }
  return bits;
}

async function expectEqual(backend: Backend): Promise<void> {
  for (const { name, settings, sizes } of cases) {
    const fetches = textGraph(name, settings, sizes);
    await using session = await backend.open(stateFor(name, sizes));
    const capacities = { batch: 5, time: 30 };
    const program = await programOf(backend, { fetches, updates: [] }, capacities);
    if (program.prepared < 3) throw new Error(`${name} was not folded`);
    const folded = await session.compile(program);
    const unfolded = await session.compile(await programOf(backend, trainingGraph(fetches, sizes), capacities));
    const feeds = feedOf(rowsOf(sizes, 5, 30));
    const close = { absolute: 1e-5, relative: 0 };
    const compare = async (when: string): Promise<void> => {
      const actual = await folded.run(feeds);
      const expected = await unfolded.run(feeds);
      for (const output of ["probability", "tags"])
        expectClose(actual[output], expected[output], `${name}, ${sizes.features} features, ${when}: ${output}`, close);
    };
    await compare("at first");
    await compare("after an update");
    await session.writeState({ "forward/W": stateFor(name, { ...sizes, words: 7 })["forward/W"] });
    await compare("after the state was written");
  }
}

export const foldingTests: readonly SuiteTest[] = [
  {
    name: "folding > probabilities are those of the unfolded program, before and after the state changes",
    run: expectEqual,
  },
];
