/** The CPU backend in a worker of Node: the same training to the bit, errors, the ends of workers and of processes. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";
import {
  accuracy,
  adam,
  type Backend,
  bestModel,
  binaryCrossentropy,
  bind,
  type Checkpoint,
  ConfigError,
  compile,
  dense,
  dropout,
  type Executable,
  embedding,
  FileError,
  feed,
  float32,
  lowerFor,
  lstm,
  mul,
  predictor,
  ResourceError,
  type Session,
  ShapeError,
  StateError,
  sequential,
  softplus,
  type Tensor,
  type Tensors,
  type Trainer,
  type Tree,
  treeLstm,
} from "@ostinato/core";
import { add } from "@ostinato/core/graph";
import { inWorker, type WorkerBackend } from "@ostinato/core/worker";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cpu } from "../src/index.ts";
import { SOURCES, startWorker } from "./worker/start.ts";

let backend: WorkerBackend;
beforeAll(async () => {
  backend = await inWorker(startWorker("backend.worker.ts"));
});
afterAll(() => backend.dispose());

const x = Array.from({ length: 40 }, (_, row) =>
  Array.from({ length: 1 + (row % 6) }, (_, t) => 1 + ((row * 7 + t) % 10)),
);
const data = { x, y: x.map(([first = 0]) => first % 2) };

const trainerOn = (where: Backend): Promise<Trainer> =>
  compile(
    sequential([
      embedding({ inputDim: 12, outputDim: 3, maskZero: true }),
      lstm({ units: 5, dropout: 0.2, recurrentDropout: 0.1 }),
      dropout({ rate: 0.3 }),
      dense({ units: 1, activation: "sigmoid" }),
    ]),
    {
      backend: where,
      loss: binaryCrossentropy(),
      optimizer: adam({ learningRate: 0.02 }),
      metrics: [accuracy()],
      seed: 3,
    },
  );

const bytes = (tensors: Tensors): Record<string, string> =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, { data }]) => [
      name,
      Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("hex"),
    ]),
  );

/** A training with validation, callbacks and a checkpoint in the middle of it, which `second` goes on from; and all that comes of it. */
async function life(first: Backend, second: Backend) {
  const checkpoints: Checkpoint[] = [];
  const best: number[] = [];
  const events: string[] = [];
  const options = {
    epochs: 3,
    batchSize: 8,
    validationSplit: 0.2,
    onStep: ({ epoch, step, logs }: { epoch: number; step: number; logs: object }) => {
      events.push(`${epoch} ${step} ${JSON.stringify(logs)}`);
    },
    callbacks: [
      bestModel({ save: ({ weights }) => void best.push(Object.keys(weights).length) }),
      {
        name: "keep",
        last: true,
        onStep: async (
          { epoch, step }: { epoch: number; step: number },
          control: { checkpoint(): Promise<Checkpoint> },
        ) => {
          if (epoch === 2 && step === 2) checkpoints.push(await control.checkpoint());
        },
      },
    ],
  };
  await using one = await trainerOn(first);
  await one.fit(data, options);
  await using other = await trainerOn(second);
  const history = await other.fit(data, { ...options, resume: checkpoints[0] as Checkpoint });
  const figures = await other.evaluate(data);
  const trained = await other.snapshot();
  await using using = await predictor(trained, { backend: second });
  return {
    events,
    best,
    figures,
    weights: [bytes((await one.snapshot()).weights), bytes(trained.weights)],
    states: [bytes((await one.checkpoint()).state), bytes((await other.checkpoint()).state)],
    history: history.epochs.map(({ seconds: _, ...figures }) => figures),
    predictions: [bytes({ y: await other.predict(x) }), bytes({ y: await using.predict(x) })],
  };
}

test("training, checkpoints, evaluation and prediction are the same to the bit, and change places", async () => {
  const here = await cpu();
  const expected = await life(here, here);
  expect(expected.weights[0]).toEqual(expected.weights[1]);
  expect(await life(backend, backend)).toEqual(expected);
  expect(await life(here, backend)).toEqual(expected);
  expect(await life(backend, here)).toEqual(expected);
});

test("trees, whose structure is fed with each batch, are the same there to the bit", async () => {
  const parents = [[-1], [2, 2, -1], [4, 3, 3, 4, -1], [1, 2, 3, -1]];
  const trees = Array.from({ length: 22 }, (_, row): Tree => {
    const own = parents[row % 4] as number[];
    return { parents: own, values: own.map((_, node) => (row + node) % 9) };
  });
  const trained = async (where: Backend) => {
    await using trainer = await compile(
      sequential([
        embedding({ inputDim: 9, outputDim: 3, maskZero: true }),
        treeLstm({ units: 4 }),
        dense({ units: 1, activation: "sigmoid" }),
      ]),
      { backend: where, loss: binaryCrossentropy(), optimizer: adam(), seed: 3 },
    );
    await trainer.fit(
      { x: trees, y: trees.map((_, row) => row % 2) },
      { epochs: 2, batchSize: 5, groupByLength: true },
    );
    return [bytes((await trainer.snapshot()).weights), bytes({ y: await trainer.predict(trees) })];
  };
  expect(await trained(backend)).toEqual(await trained(await cpu()));
});

test("a composite that does not run there arrives decomposed, and one that was not asked about is an error", async () => {
  expect(backend.name).toBe("cpu in a worker");
  const sum = softplus(add(feed("a", "float32", ["n", 7]), 1));
  const graph = { fetches: { sum }, updates: [] };
  await using fresh = await inWorker(startWorker("backend.worker.ts"));
  expect(() => fresh.runs(sum.node)).toThrow(StateError);
  const { decomposed } = await lowerFor(graph, fresh);
  expect(decomposed).toEqual((await lowerFor(graph, await cpu())).decomposed);
  expect(fresh.runs(sum.node)).toBe((await cpu()).runs(sum.node));
});

async function doubling(where: Backend): Promise<{ session: Session; executable: Executable }> {
  const session = await where.open({});
  const graph = { fetches: { y: mul(feed("x", "float32", ["n"]), 2) }, updates: [] };
  return { session, executable: await session.compile(bind(await lowerFor(graph, where), { n: 4 })) };
}

test("feeds stay the caller's and only what counts goes over; results go where they are wanted", async () => {
  const { session, executable } = await doubling(backend);
  const memory = new Float32Array(1_000_000).fill(9);
  const x: Tensor = { dtype: "float32", shape: [2], data: memory.subarray(3, 8) };
  const into: Tensors = { y: { dtype: "float32", shape: [2], data: Float32Array.of(0, 0, -1) } };
  const results = await executable.run({ x }, into);
  expect(results).toBe(into);
  expect(Array.from(into.y?.data ?? [])).toEqual([18, 18, -1]);
  expect(memory.length).toBe(1_000_000);
  await expect(executable.run({ x }, { y: float32([3], [0, 0, 0]) })).rejects.toThrow(ShapeError);
  const shared = new Float32Array(new SharedArrayBuffer(8)).fill(4);
  const { y } = await executable.run({ x: { dtype: "float32", shape: [2], data: shared } });
  expect(Array.from(y?.data ?? [])).toEqual([8, 8]);
  await session[Symbol.asyncDispose]();
});

test("what cannot be sent fails its own call, and no other", async () => {
  const { session, executable } = await doubling(backend);
  const wrong = { x: (() => 1) as unknown as Tensor };
  await expect(executable.run(wrong)).rejects.toThrow();
  const { y } = await executable.run({ x: float32([1], [3]) });
  expect(y?.data[0]).toBe(6);
  await session[Symbol.asyncDispose]();
});

const faulty = (fault: string): Promise<WorkerBackend> => inWorker(startWorker("faulty.worker.ts", fault));

describe("errors cross with their class, message and cause", () => {
  const thrown = async (fault: string): Promise<Error> => {
    await using broken = await faulty(fault);
    const { executable } = await doubling(broken);
    const error = await executable.run({ x: float32([1], [1]) }).catch((caught: unknown) => caught);
    // The backend goes on.
    await broken.open({});
    return error as Error;
  };

  test("ours", async () => {
    const error = await thrown("typed error");
    expect(error).toBeInstanceOf(ConfigError);
    expect([error.name, error.message]).toEqual(["ConfigError", "so not"]);
    const cause = error.cause as Error;
    expect(cause).toBeInstanceOf(TypeError);
    expect([cause.message, (cause.cause as Error).message]).toEqual(["because", "of this"]);
    expect(error.stack).toContain("faulty.worker.ts");
  });

  test("with their fields", async () => {
    const error = await thrown("error with fields");
    expect(error).toBeInstanceOf(FileError);
    expect({ ...error }).toMatchObject({ name: "FileError", path: "weights.safetensors", code: "ENOSPC" });
  });

  test("others", async () => {
    const foreign = await thrown("foreign error");
    expect(foreign).toBeInstanceOf(Error);
    expect([foreign.name, foreign.message]).toEqual(["KernelPanic", "foreign"]);
    expect((await thrown("no error")).message).toBe("a text");
    expect((await thrown("no text")).message).toBe("something that cannot be read was thrown");
    const odd = await thrown("odd error");
    expect([odd.name, odd.message]).toEqual(["Symbol(odd)", "something that cannot be read was thrown"]);
  });

  test("of the backend's making", async () => {
    await expect(faulty("create")).rejects.toThrow(new ConfigError("no backend today"));
  });
});

describe("a worker that is lost fails the calls under way and all later ones", () => {
  const why = { exit: "exit code 7", "uncaught error": "out of nowhere", garbage: "no answer" };
  for (const [fault, words] of Object.entries(why)) {
    test(fault, async () => {
      const broken = await faulty(fault);
      const { session, executable } = await doubling(broken);
      const runs = [executable.run({ x: float32([1], [1]) }), executable.run({ x: float32([1], [1]) })];
      for (const outcome of await Promise.allSettled(runs)) {
        expect(outcome).toMatchObject({ status: "rejected", reason: expect.any(ResourceError) });
        expect((outcome as PromiseRejectedResult).reason.message).toContain(words);
      }
      for (const later of [executable.run({}), session.readState(), broken.open({})]) {
        await expect(later).rejects.toThrow(ResourceError);
      }
      // Nothing is left to dispose of.
      await session[Symbol.asyncDispose]();
      await broken.dispose();
    });
  }

  test("terminated from outside, in the middle of fit", async () => {
    const worker = startWorker("backend.worker.ts");
    await using trainer = await trainerOn(await inWorker(worker));
    const fit = trainer.fit(data, {
      epochs: 10_000,
      onEpoch: ({ epoch }) => {
        if (epoch === 2) worker.terminate();
      },
    });
    await expect(fit).rejects.toThrow(ResourceError);
    await expect(trainer.predict(x)).rejects.toThrow(ResourceError);
  });

  test("a file that is not there, or fails", async () => {
    await expect(inWorker(startWorker("nowhere.ts"))).rejects.toThrow(/nowhere\.ts/);
    await expect(inWorker(startWorker("nowhere.ts"))).rejects.toThrow(ResourceError);
    const failing = new Worker("throw new Error('at its top')", { eval: true });
    await expect(inWorker(failing)).rejects.toThrow(/was lost; .*at its top/);
    const leaving = new Worker("process.exit(0)", { eval: true });
    await expect(inWorker(leaving)).rejects.toThrow(/ended with exit code 0/);
    const ended = new Worker("", { eval: true });
    await ended.terminate();
    await expect(inWorker(ended)).rejects.toThrow(/ended already/);
  });
});

test("dispose rejects what is under way, and what comes after it, with a StateError", async () => {
  const silent = await faulty("silence");
  const { session, executable } = await doubling(silent);
  const running = executable.run({ x: float32([1], [1]) });
  const disposed = silent.dispose();
  await expect(running).rejects.toThrow(StateError);
  await disposed;
  await expect(silent.open({})).rejects.toThrow(StateError);
  await expect(session.readState()).rejects.toThrow(StateError);
  await session[Symbol.asyncDispose]();
  await silent.dispose();
});

test("a session that is disposed of ends in the worker, once", async () => {
  await using counting = await faulty("silence");
  const sessions = [await counting.open({}), await counting.open({})];
  await sessions[0]?.[Symbol.asyncDispose]();
  await sessions[0]?.[Symbol.asyncDispose]();
  await expect(sessions[0]?.readState()).rejects.toThrow(StateError);
  expect((await sessions[1]?.readState())?.disposed?.data[0]).toBe(1);
});

test("a session whose worker ends while it is disposed of is disposed of", async () => {
  const broken = await faulty("end in dispose");
  const session = await broken.open({});
  await session[Symbol.asyncDispose]();
  await expect(broken.open({})).rejects.toThrow(ResourceError);
  await broken.dispose();
});

test("results that share a buffer arrive whole", async () => {
  await using views = await faulty("silence");
  const { a, b, whole } = await (await views.open({})).readState();
  expect([a, b, whole].map((tensor) => Array.from(tensor?.data ?? []))).toEqual([
    [1, 2],
    [3, 4],
    [1, 2, 3, 4],
  ]);
});

test("an abort from a timer ends fit within 200 ms", async () => {
  await using trainer = await trainerOn(backend);
  let quickest = Number.POSITIVE_INFINITY;
  // A busy machine may hold up a try.
  for (let tries = 0; tries < 3 && quickest >= 200; tries++) {
    const abort = new AbortController();
    const begin = performance.now();
    setTimeout(() => abort.abort(), 100);
    await expect(trainer.fit(data, { epochs: 1_000_000, signal: abort.signal })).rejects.toThrow(/abort/);
    quickest = Math.min(quickest, performance.now() - begin);
  }
  expect(quickest).toBeLessThan(200);
});

test("timers have their turns while a long step runs", async () => {
  await using trainer = await compile(
    sequential([embedding({ inputDim: 12, outputDim: 8 }), lstm({ units: 128 }), dense({ units: 1 })]),
    {
      backend,
      loss: binaryCrossentropy(),
      optimizer: adam(),
    },
  );
  const long = Array.from({ length: 32 }, () => Array.from({ length: 100 }, (_, t) => 1 + (t % 10)));
  const y = long.map((_, row) => row % 2);
  await trainer.fit({ x: long, y }, { epochs: 1 });
  let turns = 0;
  const timer = setInterval(() => turns++, 5);
  const begin = performance.now();
  await trainer.fit({ x: long, y }, { epochs: 3 });
  const step = (performance.now() - begin) / 3;
  clearInterval(timer);
  expect(step).toBeGreaterThan(50);
  // In the thread of the steps there is about one for each. They are counted, because a busy machine may hold up single ones.
  expect(turns).toBeGreaterThan(3 * 6);
});

describe("a process ends when its work is done", () => {
  for (const way of ["dispose", "leave"]) {
    test(way === "dispose" ? "with everything disposed" : "with nothing disposed, and not before", async () => {
      const program = join(import.meta.dirname, "worker", "leaving.ts");
      const { stdout } = await promisify(execFile)(process.execPath, [SOURCES, program, way], { timeout: 30_000 });
      expect(stdout).toBe("trained 3\n");
    });
  }
});

test("outside of a worker nothing is served", () => {
  // vitest's own tests may run in worker threads, where there is a port.
  const code = `import("@ostinato/core/worker").then(({ serveBackend }) => serveBackend(() => {}))`;
  const run = promisify(execFile)(process.execPath, [SOURCES, "--input-type=module", "-e", code], {
    cwd: import.meta.dirname,
  });
  return expect(run).rejects.toThrow(/ConfigError: serveBackend must be called in the file of a worker/);
});
