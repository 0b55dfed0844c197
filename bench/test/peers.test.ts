/** The pure parts of the measurements against others: who is fastest, whether all agree, what there is to compute. */
import { cpu } from "@ostinato/backend-cpu";
import { bind, feed, lower, matmul, mul, neg, type Program, scan, state, type Tensors } from "@ostinato/core";
import { describe, expect, test } from "vitest";
import { agreementOf, TOLERANCE } from "../src/peers/agreement.ts";
import { denseRows } from "../src/peers/job.ts";
import { bytesMoved, highest, limitsOf } from "../src/peers/limits.ts";
import { listener } from "../src/peers/listener.ts";
import { processorName, slugOf } from "../src/peers/machine.ts";
import { flopsOf, imdb, modelOf, productsOf, recurrenceNames, trainerOf } from "../src/peers/network.ts";
import { END, pairTrainer, START } from "../src/peers/pairs.ts";
import { trainings } from "../src/peers/parts/training.ts";
import { largestShares, type Profile, profiling, shareOfSize } from "../src/peers/profile.ts";
import { inspectPython, missingLibraries, readLibraries } from "../src/peers/pythons.ts";
import { readRequest } from "../src/peers/request.ts";
import { median, roundsWithin, takingPart } from "../src/peers/rounds.ts";
import { outputFlops, sentenceFlops, sentenceModel, sentenceRows, sentences } from "../src/peers/sentences.ts";
import * as transcription from "../src/peers/transcription.ts";
import { treebank, treeFlops, treeRows, treeTrainer } from "../src/peers/treebank.ts";

describe("the choice of the best", () => {
  test("takes the fastest of those that try the same, with those near to it, and all that try nothing", () => {
    const tried = [
      { name: "ours", ms: 50 },
      { name: "one thread", ms: 30, tries: "peer" },
      { name: "ours too", ms: 90 },
      { name: "two threads", ms: 20, tries: "peer" },
      { name: "near", ms: 24, tries: "peer" },
      { name: "short", ms: 3, tries: "other" },
      { name: "shorter", ms: 1, tries: "other" },
    ];
    const chosen = takingPart(tried).map((each) => [each.chosen.name, each.slower.map(({ name }) => name)]);
    expect(chosen).toEqual([
      ["ours", []],
      ["two threads", ["one thread"]],
      ["near", []],
      ["ours too", []],
      ["shorter", []],
      ["short", []],
    ]);
  });

  test("makes as many rounds as there is time for, two where there is none", () => {
    expect(roundsWithin(25, 1000, 9)).toBe(9);
    expect(roundsWithin(25, 5000, 9)).toBe(5);
    expect(roundsWithin(25, 100_000, 9)).toBe(2);
    expect(roundsWithin(25, 100_000, 1)).toBe(1);
  });

  test("the median of an even number lies in the middle of two", () => {
    expect(median([4, 1, 3])).toBe(3);
    expect(median([4, 1, 3, 2])).toBe(2.5);
  });
});

describe("agreement", () => {
  test("tells of those that are further away than the tolerance, and how far the others are", () => {
    const results = [
      { name: "ours", values: [0.5, 0.25] },
      { name: "near", values: [0.5, 0.25 + TOLERANCE / 2] },
      { name: "far", values: [0.5, 0.3] },
      { name: "alone", values: [] },
    ];
    const { apart, different } = agreementOf(results);
    expect(apart).toBeCloseTo(0.05, 12);
    expect(different).toEqual(["far computes something else than ours: 5.0e-2 apart"]);
    expect(agreementOf(results.slice(0, 2)).different).toEqual([]);
  });

  test("a number that is none, and one too many, agree with nothing", () => {
    for (const values of [[Number.NaN], [1, 2]]) {
      const { different } = agreementOf([
        { name: "ours", values: [1] },
        { name: "other", values },
      ]);
      expect(different).toEqual(["other computes something else than ours: without end apart"]);
    }
  });
});

describe("what there is to compute", () => {
  test("the IMDB network has 4.07 GFLOP a step in its recurrence, as the other measurements count", () => {
    const { forward, backward } = flopsOf(imdb);
    // 3 · 2 · 9600 steps · 512 · (10 + 128), and the dense layer: 3 · 2 · 32 · 128.
    expect(forward + backward).toBe(3 * 2 * 9600 * 512 * 138 + 3 * 2 * 32 * 128);
  });

  test("vectors that are not trained have no gradient", () => {
    const frozen = { ...imdb, frozen: true };
    expect(flopsOf(imdb).backward - flopsOf(frozen).backward).toBe(2 * 9600 * 512 * 10);
  });

  test("the second layer of a bidirectional network reads both directions of the first", () => {
    const task = { ...imdb, bidirectional: true, layers: 2, classes: 7, batch: 2, time: 5, units: 3, embedding: 4 };
    expect(productsOf(task)).toEqual([
      { rows: 10, inner: 4, columns: 12, times: 2 },
      { rows: 2, inner: 3, columns: 12, times: 10 },
      { rows: 10, inner: 6, columns: 12, times: 2 },
      { rows: 2, inner: 3, columns: 12, times: 10 },
      { rows: 10, inner: 6, columns: 7, times: 1 },
    ]);
  });

  test.each(trainings)("the weights of $id have the names that the others look for", async ({ task }) => {
    const small = { ...task, words: 5, units: 2, embedding: 3, classes: Math.min(task.classes, 4), time: 3, batch: 2 };
    await using trainer = await trainerOf(small, false, listener());
    const { weights } = await trainer.snapshot();
    for (const name of recurrenceNames(small).flat()) expect(Object.keys(weights)).toContain(`${name}/W`);
    expect(Object.keys(weights)).toEqual(
      expect.arrayContaining(["embedding/embeddings", "dense/kernel", "dense/bias"]),
    );
    expect(modelOf(small, true).spec.outputs).toHaveLength(1);
    const { rows, labels } = denseRows(small);
    expect([rows.length, labels.length]).toEqual([2, 2]);
  });
});

describe("limits", () => {
  const programOf = (result: ReturnType<typeof neg>): Program =>
    bind(lower({ fetches: { result }, updates: [] }, listener()), { rows: 8 });

  test("count the bytes of what each step reads and writes", () => {
    const x = feed("x", "float32", ["rows", 4]);
    const w = state("w", "float32", [4, 2]);
    // [8, 4] and [4, 2] to [8, 2], which is then negated: 32 + 8 + 16, and 16 + 16 numbers.
    expect(bytesMoved(programOf(neg(matmul(x, w))))).toBe(4 * (32 + 8 + 16 + 16 + 16));
    // The same input twice is read once.
    expect(bytesMoved(programOf(mul(x, x)))).toBe(4 * (32 + 32));
  });

  test("count a loop as often as it runs", () => {
    const sequence = feed("x", "float32", ["rows", 4]);
    const zero = feed("zero", "float32", [4]);
    const { carries } = scan({
      initial: [zero],
      sequences: [sequence],
      body: ([h], [x]) => ({ carries: [mul(h as typeof zero, x as typeof zero)], outputs: [] }),
    });
    // Eight turns of three vectors of four.
    expect(bytesMoved(programOf(carries[0] as typeof zero))).toBe(8 * 3 * 16);
  });

  test("say what each part of a step reaches; backward is what a step takes more", () => {
    const program = programOf(neg(feed("x", "float32", ["rows", 4])));
    const flops = { forward: 1e9, backward: 2e9 };
    const limits = limitsOf(flops, { step: 50, forward: 10, products: 8 }, program, 230);
    expect(limits).toEqual({
      peak: 230,
      products: 125,
      forward: 100,
      backward: 50,
      moved: 256,
      arena: program.arenaBytes,
    });
    expect(limitsOf(flops, { step: 10, forward: 11 }, program, undefined).backward).toBeUndefined();
  });

  test("the peak is that of two threads in the widest vectors that are worth it", () => {
    expect(highest({ "128": [58, 115], "256": [116, 230], "512": [114, 226] })).toBe(230);
    expect(highest(undefined)).toBeUndefined();
  });
});

describe("a profile", () => {
  test("runs the steps of a program one by one, and comes to the same", async () => {
    const task = { ...sentences, subwords: 20, embedding: 3, units: 2, batch: 2, batches: 3, time: 4 };
    const { next, ...x } = sentenceRows(task);
    const profiles: Profile[] = [];
    const weights: Tensors[] = [];
    for (const backend of [await cpu(), profiling(await cpu(), (profile) => profiles.push(profile))]) {
      await using trainer = await pairTrainer(sentenceModel(task), backend);
      await trainer.fit({ x, y: next }, { batchSize: task.batch, epochs: 2 });
      weights.push((await trainer.snapshot()).weights);
    }
    expect(weights[1]).toEqual(weights[0]);
    const [profile] = profiles as [Profile];
    expect(profile.times.every(({ ms }) => ms.length === 6)).toBe(true);
    const all = largestShares(profile, profile.times.length);
    expect(all.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 6);
    expect(all.some(({ what }) => what.startsWith("scan → float32["))).toBe(true);
    const share = shareOfSize(profile, task.subwords);
    expect(share).toBeGreaterThan(0);
    expect(share).toBeLessThan(1);
    expect(shareOfSize(profile, 12345)).toBe(0);
  });
});

describe("the command line", () => {
  test("takes parts between commas, in the order of the tables, and interpreters once each", () => {
    const { parts, pythons, quick } = readRequest([
      "--only",
      "sweep,gru",
      "--only",
      "step",
      "--python",
      "a",
      "--python",
      "a",
    ]);
    expect([parts, pythons, quick]).toEqual([["step", "gru", "sweep"], ["a"], false]);
    expect(readRequest([]).parts).toContain("language-650");
  });

  test.each([
    { args: ["--only", "stp"], reason: "--only stp: there is no such part" },
    { args: ["--only", "step,"], reason: "--only : there is no such part" },
    { args: ["--quick"], reason: "it needs --dry" },
    { args: ["--dry", "--readme"], reason: "leave one of them out" },
    { args: ["--tables", "--only", "step"], reason: "leave out --only" },
    { args: ["--what"], reason: "Unknown option '--what'" },
    { args: ["step"], reason: "Unexpected argument 'step'" },
  ])("refuses $args", ({ args, reason }) => {
    expect(() => readRequest(args)).toThrow(reason);
  });
});

describe("interpreters", () => {
  const answer = '{"python": "3.11.2", "versions": {"torch": "1.13.0a0"}, "failures": {"jax": "ImportError: no"}}';

  test("say what they have in one line, whatever libraries greet with", () => {
    const found = readLibraries("/usr/bin/python3", `hello\n${answer}\n`);
    expect(found?.versions).toEqual({ torch: "1.13.0a0" });
    for (const other of ["", "hello", "{", "{}"]) expect(readLibraries("/bin/other", other)).toBeUndefined();
  });

  test("another program than Python is none", async () => {
    expect(await inspectPython(process.execPath)).toBeUndefined();
  });

  test("who is missing is named with the reason", () => {
    const python = readLibraries("/p", answer);
    const lines = missingLibraries(python ? [python] : []);
    expect(lines).toEqual([expect.stringContaining("Keras on TensorFlow"), "left out: JAX (/p: ImportError: no)"]);
    expect(missingLibraries([])).toHaveLength(3);
  });
});

describe("the processor", () => {
  const cpuinfo = "cpu family\t: 25\nmodel\t\t: 17\nmodel name\t: AMD EPYC\nflags\t\t: fpu avx2 avx512f\n";

  test("is named with what tells it from others of its name", () => {
    const name = processorName("AMD EPYC", cpuinfo);
    expect(name).toBe("AMD EPYC (family 25 model 17, AVX-512)");
    expect(slugOf(name)).toBe("amd-epyc-family-25-model-17-avx-512");
    expect(processorName("Intel(R) Xeon(R)  Processor", "")).toBe("Intel Xeon Processor");
    expect(processorName("x", cpuinfo.replace(" avx512f", ""))).toContain("AVX2");
  });
});

describe("the encoder–decoder", () => {
  const task = { letters: 7, phones: 9, embedding: 3, layers: 2, units: 2, batch: 4, batches: 6 };

  test("has sources of one length in each batch, and targets that begin where what comes next ends", () => {
    const { source, target, next } = transcription.rowsOf(task);
    expect(source.length).toBe(24);
    const lengths = source.map((row) => row.length);
    expect(lengths).toEqual([8, 9, 10, 8, 9, 10].flatMap((length) => Array.from({ length: task.batch }, () => length)));
    target.forEach((row, at) => {
      expect([...row, END]).toEqual([START, ...(next[at] as number[])]);
      expect(Math.max(...row)).toBeLessThan(task.phones);
    });
  });

  test("has weights by the names that the contestant in Python reads", async () => {
    await using trainer = await pairTrainer(transcription.modelOf(task), listener());
    const { weights } = await trainer.snapshot();
    const encoder = [0, 1].flatMap((layer) => [`encoder${layer}/forward`, `encoder${layer}/backward`]);
    const recurrences = [...encoder, "decoder"];
    expect(Object.keys(weights).toSorted()).toEqual(
      [
        ...["letters/embeddings", "phones/embeddings", "attention/kernel", "mix/kernel", "next/kernel", "next/bias"],
        ...recurrences.flatMap((name) => ["W", "R", "B"].map((role) => `${name}/${role}`)),
      ].toSorted(),
    );
  });

  test("counts the products of words and phones", () => {
    const { source, target } = transcription.rowsOf(task);
    let multiplications = 0;
    source.forEach(({ length: read }, at) => {
      const written = target[at]?.length ?? 0;
      const [encoder, decoder] = [2 * 8 * (3 + 2) + 2 * 8 * (4 + 2), 16 * (3 + 4)];
      multiplications += read * encoder + written * (decoder + 4 * 4 + 2 * read * 4 + 8 * 4 + 4 * 9);
    });
    const { forward, backward } = transcription.flopsOf(task);
    expect(forward).toBeCloseTo((2 * multiplications) / task.batches, 6);
    expect(backward).toBeCloseTo(2 * forward, 6);
  });
});

describe("translation of sentences", () => {
  const task = { ...sentences, subwords: 20, embedding: 3, units: 2, batch: 2, batches: 3, time: 4 };

  test("has sources and targets as long as the task says", () => {
    const { source, target, next } = sentenceRows(task);
    for (const rows of [source, target, next]) {
      expect(rows.map((row) => row.length)).toEqual([4, 4, 4, 4, 4, 4]);
      expect(Math.max(...rows.flat())).toBeLessThan(task.subwords);
    }
  });

  test.each([true, false])(
    "has weights by the names that the contestant in Python reads, input feeding %s",
    async (inputFeeding) => {
      await using trainer = await pairTrainer(sentenceModel({ ...task, inputFeeding }), listener());
      const { weights } = await trainer.snapshot();
      const recurrences = ["encoder/forward", "encoder/backward", "decoder/layer0"];
      expect(Object.keys(weights).toSorted()).toEqual(
        [
          ...["subwords/embeddings", "subwords/bias", "decoder/attention/kernel", "decoder/kernel"],
          ...recurrences.flatMap((name) => ["W", "R", "B"].map((role) => `${name}/${role}`)),
        ].toSorted(),
      );
    },
  );

  test("counts the products of sources and targets", () => {
    const encoder = 2 * 8 * (3 + 2);
    const decoder = 16 * (3 + 3 + 4) + 4 * 4 + 2 * 4 * 4 + 8 * 3;
    expect(sentenceFlops(task).forward).toBe(2 * 2 * 4 * (encoder + decoder + 3 * 20));
    expect(outputFlops(task).forward).toBe(2 * 2 * 4 * 3 * 20);
    expect(sentenceFlops({ ...task, inputFeeding: false }).forward).toBe(
      sentenceFlops(task).forward - 2 * 2 * 4 * 16 * 3,
    );
  });
});

describe("the treebank", () => {
  const task = { ...treebank, words: 50, units: 2, embedding: 3, trees: 400 };

  test("is drawn in the sizes of the Stanford treebank's trees, which have 37 nodes on average", async () => {
    const { rows } = await treeRows(task, true);
    const nodes = rows.trees.map(({ parents }) => parents.length);
    expect(rows.trees).toHaveLength(400);
    const mean = nodes.reduce((sum, count) => sum + count, 0) / nodes.length;
    expect(mean).toBeGreaterThan(35);
    expect(mean).toBeLessThan(39);
    rows.trees.forEach(({ values, parents }, at) => {
      const children = parents.map((_, node) => parents.filter((parent) => parent === node).length);
      expect(children.every((count) => count === 0 || count === 2)).toBe(true);
      // Words stand at leaves.
      expect(values.every((id, node) => id > 0 === (children[node] === 0) && id < task.words)).toBe(true);
      expect(rows.labels[at]).toHaveLength(parents.length);
    });
  });

  test("has the weights that PyTorch looks for", async () => {
    await using trainer = await treeTrainer(task, listener());
    const { weights } = await trainer.snapshot();
    const shapes = Object.fromEntries(Object.entries(weights).map(([name, { shape }]) => [name, shape]));
    expect(shapes).toEqual({
      "words/embeddings": [50, 3],
      "tree/W": [8, 3],
      "tree/R": [10, 4],
      "tree/B": [8],
      "class/kernel": [2, 5],
      "class/bias": [5],
    });
  });

  test("counts products of words, of two children, and of nodes with the classes", () => {
    const tree = { values: [1, 2, 0], parents: [2, 2, -1] };
    const { forward, backward } = treeFlops({ ...task, batch: 1 }, { trees: [tree], labels: [[1, 2, 3]] });
    expect(forward).toBe(2 * (2 * 3 * 8 + 4 * 10 + 3 * 2 * 5));
    expect(backward).toBe(2 * forward);
  });
});
