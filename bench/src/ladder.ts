/** `pnpm bench:ladder`: each version of the kernels beside the one before, checked and timed: plain loops, blocks, SIMD, one rounding, 256 bits, threads. */
import { cpus, loadavg } from "node:os";
import { cpu } from "@ostinato/backend-cpu";
import { wasm } from "@ostinato/backend-wasm";
import {
  type Backend,
  bind,
  dot,
  type Executable,
  feed,
  float32,
  type Graph,
  gradients,
  isComposite,
  lower,
  RandomStream,
  recurrence,
  type Session,
  sum,
  type Tensor,
  type Tensors,
  type Value,
} from "@ostinato/core";
import { readOptions } from "./options.ts";
import { median } from "./rounds.ts";

readOptions("pnpm bench:ladder takes no options", {});

const ROUNDS = 7;
const [time, batch, inputSize, hidden] = [100, 32, 64, 128];

/** A kernel version: a backend, and what of it is used. */
interface Rung {
  readonly name: string;
  readonly backend: Backend;
}

/** Everything of primitives, a loop over time of single ops. */
function decomposed(backend: Backend): Backend {
  return {
    name: backend.name,
    runs: (node) => !isComposite(node.op) && backend.runs(node),
    open: (state) => backend.open(state),
  };
}

const plain = await cpu();
const rungs: readonly Rung[] = [
  { name: "single ops in JavaScript", backend: decomposed(plain) },
  { name: "kernels in JavaScript, blocks of sums", backend: plain },
  { name: "WebAssembly, 128-bit SIMD", backend: await wasm({ simd: "plain", threads: 1 }) },
  { name: "multiply-adds rounded once", backend: await wasm({ simd: "relaxed", threads: 1 }) },
  { name: "256 bits where the engine has them", backend: await wasm({ threads: 1 }) },
  { name: "two threads", backend: await wasm({ threads: 2 }) },
];

const random = new RandomStream(1, "ladder");
const drawn = (...shape: number[]): Tensor => {
  const size = shape.reduce((a, b) => a * b, 1);
  return float32(
    shape,
    Float32Array.from({ length: size }, () => (2 * random.uniform() - 1) / Math.sqrt(shape.at(-1) as number)),
  );
};

/** What is timed: a graph that gives little, and its multiply-adds, twice. */
interface Task {
  readonly name: string;
  readonly graph: Graph;
  readonly feeds: Tensors;
  readonly flop: number;
  /** The task whose time is part of this one's, and is subtracted. */
  readonly beyond?: string;
}

const totals = (values: readonly Value[]): Graph => ({
  fetches: Object.fromEntries(values.map((value, i) => [`${i}`, sum(value)])),
  updates: [],
});

function recurrentTasks(name: "lstm" | "gru" | "rnn", gates: number): Task[] {
  const feeds = {
    X: drawn(time, batch, inputSize),
    W: drawn(gates * hidden, inputSize),
    R: drawn(gates * hidden, hidden),
    B: drawn(gates * hidden),
    dY: drawn(time, batch, hidden),
  };
  const value = (of: keyof typeof feeds): Value => feed(of, "float32", feeds[of].shape);
  const inputs = { X: value("X"), W: value("W"), R: value("R"), B: value("B") };
  const { y } = recurrence(name, inputs);
  const wrt = gradients([{ value: y, cotangent: value("dY") }], Object.values(inputs));
  const flop = 2 * time * batch * gates * hidden * (inputSize + hidden);
  const { dY: _, ...forward } = feeds;
  return [
    { name: `${name} forward`, graph: totals([y]), feeds: forward, flop },
    { name: `${name} backward`, graph: totals([y, ...wrt]), feeds, flop: 2 * flop, beyond: `${name} forward` },
  ];
}

function productTask(rows: number, depth: number, columns: number): Task {
  const feeds = { a: drawn(rows, depth), b: drawn(depth, columns) };
  const [a, b] = [feed("a", "float32", [rows, depth]), feed("b", "float32", [depth, columns])];
  const graph = totals([dot(a, b, { contract: [[1], [0]] })]);
  return { name: `product ${rows} × ${depth} × ${columns}`, graph, feeds, flop: 2 * rows * depth * columns };
}

const tasks: readonly Task[] = [
  productTask(1400, 256, 2000),
  productTask(256, 1400, 2000),
  ...recurrentTasks("lstm", 4),
  ...recurrentTasks("gru", 3),
  ...recurrentTasks("rnn", 1),
];

/** How far the results of two rungs are apart, relative to the larger. */
function difference(one: Tensors, other: Tensors): number {
  const apart = Object.entries(one).map(([name, { data }]) => {
    const [a, b] = [data[0] as number, other[name]?.data[0] as number];
    return Math.abs(a - b) / Math.max(1, Math.abs(a), Math.abs(b));
  });
  return Math.max(...apart);
}

/** Sums of some hundred thousand numbers in single precision. */
const TOLERANCE = 1e-3;
const say = (line: string): void => console.error(line);
const [load] = loadavg() as [number, number, number];
say(`${cpus()[0]?.model}, ${cpus().length} cores, Node ${process.version}, load ${load.toFixed(2)}`);

/** Medians of the rungs, by task. */
const known = new Map<string, readonly number[]>();

for (const task of tasks) {
  const sessions: Session[] = [];
  const ready: Executable[] = [];
  for (const { backend } of rungs) {
    const session = await backend.open({});
    sessions.push(session);
    ready.push(await session.compile(bind(lower(task.graph, backend), {})));
  }
  const results: Tensors[] = [];
  for (const executable of ready) results.push(await executable.run(task.feeds));
  const before = task.beyond === undefined ? undefined : known.get(task.beyond);
  const readings: number[][] = rungs.map(() => []);
  for (let round = 0; round < ROUNDS; round++)
    for (const [i, executable] of ready.entries()) {
      const start = performance.now();
      await executable.run(task.feeds);
      readings[i]?.push(performance.now() - start);
    }
  for (const session of sessions) await session[Symbol.asyncDispose]();
  say(`\n${task.name}`);
  const all = readings.map((reading) => median(reading));
  known.set(task.name, all);
  all.forEach((whole, i) => {
    const ms = whole - (before?.[i] ?? 0);
    const apart = difference(results[i] as Tensors, results[0] as Tensors);
    if (!(apart < TOLERANCE)) throw new Error(`${task.name}: "${rungs[i]?.name}" is ${apart} off the first rung`);
    const gflops = task.flop / ms / 1e6;
    const gain =
      i === 0 ? "" : `, ${(((all[i - 1] as number) - (before?.[i - 1] ?? 0)) / ms).toFixed(2)} times the rung before`;
    say(
      `${(rungs[i] as Rung).name.padEnd(40)} ${ms.toFixed(2).padStart(9)} ms ${gflops.toFixed(1).padStart(7)} GFLOP/s${gain}`,
    );
  });
}
