/** Models that write sequences, as two files: onnxruntime gives what the whole model gives on the CPU, step by step and in a beam. */
import { cpu } from "@ostinato/backend-cpu";
import { minGru } from "@ostinato/cells";
import {
  adam,
  attention,
  compile,
  type DecodingEngine,
  decodingOf,
  dense,
  embedding,
  float32,
  generate,
  gru,
  input,
  int32,
  lstm,
  type Model,
  ModelFileError,
  model,
  type Predictor,
  predictor,
  type SequenceModel,
  sequenceModelOn,
  sequential,
  sparseCategoricalCrossentropy,
  type Tensor,
  type Tensors,
  type Trained,
  zeros,
} from "@ostinato/core";
import { decodeOnnx, exportDecoding, exportOnnx } from "@ostinato/onnx";
import { onnxPredictor, onnxSequenceModel, openSession } from "@ostinato/onnx/node";
import { describe, expect, test } from "vitest";
import { ids, scored, writers } from "./writers.ts";

/** A model with weights, of which the first output is trained. */
async function trainedOf(made: Model): Promise<Trained> {
  const losses = made.spec.outputs.map(({ name }, i) => [name, i === 0 ? sparseCategoricalCrossentropy() : null]);
  await using trainer = await compile(made, {
    backend: await cpu(),
    loss: Object.fromEntries(losses),
    optimizer: adam(),
    seed: 5,
  });
  const { spec, weights } = await trainer.snapshot();
  // Larger than they begin, so that tokens are told apart.
  const larger = Object.entries(weights).map(([name, { shape, data }]) => {
    return [
      name,
      float32(
        shape,
        Float32Array.from(data as Float32Array, (x, i) => 3 * x + 0.1 * Math.sin(i)),
      ),
    ] as const;
  });
  return { spec, weights: Object.fromEntries(larger) };
}

const sources = [[3, 1, 4, 1, 5], [2], [6, 5, 3], [5, 1]];
const targets = [
  [1, 5, 3],
  [1, 2, 6],
  [1, 4, 4],
  [1, 3, 2],
];

/** The last scores of the whole model, run anew over all tokens so far. */
function wholeModel(spec: Trained["spec"], whole: Predictor): SequenceModel {
  const parts = decodingOf(spec);
  let rows: { readonly source: readonly number[]; readonly tokens: readonly number[] }[] = [];
  const engine: DecodingEngine = {
    async encode({ source }, count) {
      const { shape, data } = source as Tensor;
      const steps = shape[1] as number;
      const given = [...(data as Int32Array)];
      rows = Array.from({ length: count }, (_, row) => ({
        source: given.slice(row * steps, (row + 1) * steps).filter((id) => id !== 0),
        tokens: [],
      }));
    },
    async step({ tokens, from, top, allowed }) {
      const before = rows;
      rows = Array.from(from, (row, i) => {
        const { source, tokens: prefix } = before[row] as (typeof before)[number];
        return { source, tokens: [...prefix, tokens[i] as number] };
      });
      const scores: number[][] = [];
      for (const { source, tokens: target } of rows) {
        const { data, shape } = await whole.predict({ source: [source], target: [target] });
        const size = shape[2] as number;
        const row = scores.length;
        scores.push([...data.slice(-size)].map((p, k) => (allowed?.[row * size + k] === 0 ? -Infinity : Math.log(p))));
      }
      const best = scores.map((row) =>
        row
          .map((score, token) => ({ score, token }))
          .sort((a, b) => b.score - a.score || a.token - b.token)
          .slice(0, top),
      );
      return {
        tokens: Int32Array.from(best.flat(), ({ token }) => token),
        logProbabilities: Float32Array.from(best.flat(), ({ score }) => score),
      };
    },
    async dispose() {},
  };
  return sequenceModelOn(parts, engine);
}

describe("a pair of files", () => {
  for (const [what, make] of Object.entries(writers))
    test(`with ${what} gives what the whole model gives`, async () => {
      const trained = await trainedOf(make());
      await using whole = await predictor(trained, { backend: await cpu() });
      await using exported = await onnxSequenceModel(exportDecoding(trained), { threads: 1, layers: [minGru] });
      const outputs = await whole.predictAll({ source: sources, target: targets });
      const scores = outputs.next?.data as Float32Array;
      const weights = (outputs.attention ?? outputs.weights)?.data;
      expect(exported.hasAttention).toBe(weights !== undefined);
      // The rows in an order of their own, so that they are gathered at the first step, and others at the next.
      const order = Int32Array.of(2, 0, 3);
      const run = await exported.open({ source: sources }).read(order);
      expect(run.sourceSteps).toBe(5);
      let rows = [1, 0, 2, 1];
      const size = exported.vocabularySize;
      const step = { top: size, attention: true };
      let from = Int32Array.from(rows);
      for (let t = 0; t < 3; t++) {
        const tokens = Int32Array.from(rows, (row) => targets[order[row] as number]?.[t] as number);
        const given = await run.step({ tokens, from, ...step });
        rows.forEach((row, at) => {
          const base = ((order[row] as number) * 3 + t) * size;
          for (let k = 0; k < size; k++) {
            const wanted = Math.log(scores[base + (given.tokens[at * size + k] as number)] as number);
            expect(Math.abs((given.logProbabilities[at * size + k] as number) - wanted)).toBeLessThan(1e-5);
          }
          if (weights)
            for (let s = 0; s < 5; s++)
              expect(given.attention?.[at * 5 + s]).toBeCloseTo(
                weights[((order[row] as number) * 3 + t) * 5 + s] as number,
                5,
              );
        });
        // The last row ends, and the first is continued twice.
        from = t === 0 ? Int32Array.of(0, 0, 2) : Int32Array.of(2, 1);
        rows = [...from].map((row) => rows[row] as number);
      }
      run.end();
      await using same = wholeModel(trained.spec, whole);
      const options = { start: 1, end: 2, beamSize: 3, nBest: 2, maxLength: 6, batchSize: 3 };
      const [found, wanted] = [
        await generate(exported, { source: sources }, options),
        await generate(same, { source: sources }, options),
      ];
      expect(found.map((each) => each.map(({ tokens }) => [...tokens]))).toEqual(
        wanted.map((each) => each.map(({ tokens }) => [...tokens])),
      );
      found.flat().forEach(({ logProbability }, i) => {
        expect(logProbability).toBeCloseTo(wanted.flat()[i]?.logProbability as number, 4);
      });
    });

  test("has named inputs and outputs, of any batch and time", async () => {
    const made = (writers["input feeding and general attention over both directions"] as () => Model)();
    const trained = { ...(await trainedOf(made)), vocabulary: { letters: "abc" }, metadata: { made: "here" } };
    const { encode, decodeStep } = exportDecoding(trained, { metadata: { words: "1" } });
    const shown = (bytes: Uint8Array | undefined) => {
      const { graph } = decodeOnnx(bytes as Uint8Array);
      const list = (values: NonNullable<typeof graph>["inputs"] = []) =>
        Object.fromEntries(
          values.map(({ name, type }) => [name, type?.tensor?.shape?.dims?.map(({ name: dim, size }) => dim ?? size)]),
        );
      return { inputs: list(graph?.inputs), outputs: list(graph?.outputs) };
    };
    const memory = { "memory/sourceWords/lengths": ["batch"], "memory/encoder": ["batch", "source", 6] };
    const states = Object.fromEntries(
      ["layer0/h", "layer0/c", "layer1/h"].map((state) => [`states/attentionDecoder/${state}`, ["batch", 4]]),
    );
    const vector = { "states/attentionDecoder/attentionVector": ["batch", 4] };
    expect(shown(encode)).toEqual({ inputs: { source: ["batch", "source"] }, outputs: { ...memory, ...states } });
    expect(shown(decodeStep)).toEqual({
      inputs: { token: ["batch"], ...memory, ...vector, ...states },
      outputs: {
        logProbabilities: ["batch", 7],
        ...Object.fromEntries(Object.entries({ ...vector, ...states }).map(([name, dims]) => [`${name}/next`, dims])),
        attention: ["batch", "source"],
      },
    });
    expect(decodeOnnx(decodeStep).metadata?.find(({ key }) => key === "words")?.value).toBe("1");
    await using opened = await onnxSequenceModel({ encode, decodeStep });
    expect(opened.vocabulary).toEqual({ letters: "abc" });
    expect(opened.metadata).toEqual({ made: "here" });
    expect(opened.spec.inputs.map(({ name }) => name)).toEqual(["source", "target"]);
  });

  test("is run by plain onnxruntime as the README says", async () => {
    const trained = await trainedOf(
      (writers["additive attention, a cell of one's own, and normalized sums"] as () => Model)(),
    );
    const { encode, decodeStep } = exportDecoding(trained);
    const reader = await openSession(encode as Uint8Array, { threads: 1 });
    const writer = await openSession(decodeStep, { threads: 1 });
    // The second source is padded behind.
    let held: Tensors = await reader.run({ source: int32([2, 3], [6, 5, 3, 4, 2, 0]) });
    for (const { name, shape } of writer.inputs)
      if (name.startsWith("states/") && !(name in held))
        held = { ...held, [name]: zeros("float32", [2, shape?.[1] as number]) };
    let token = [1, 1];
    const written: number[][] = [[], []];
    for (let t = 0; t < 5; t++) {
      const { logProbabilities, attention: _, ...next } = await writer.run({ ...held, token: int32([2], token) });
      const scores = [...(logProbabilities as Tensor).data].map(Number);
      token = [0, 1].map((row) => {
        const own = scores.slice(row * 7, (row + 1) * 7);
        // Neither padding nor the start comes.
        return own.indexOf(Math.max(...own.slice(2)), 2);
      });
      token.forEach((chosen, row) => {
        if (!written[row]?.includes(2)) written[row]?.push(chosen);
      });
      held = {
        ...held,
        ...Object.fromEntries(Object.entries(next).map(([name, x]) => [name.replace(/\/next$/, ""), x])),
      };
    }
    await Promise.all([reader.dispose(), writer.dispose()]);
    await using exported = await onnxSequenceModel({ encode, decodeStep }, { layers: [minGru] });
    const found = await generate(
      exported,
      {
        source: [
          [6, 5, 3],
          [4, 2],
        ],
      },
      { start: 1, end: 2, maxLength: 5 },
    );
    expect(written.map((row) => row.filter((chosen) => chosen !== 2))).toEqual(
      found.map(([best]) => [...(best?.tokens ?? [])]),
    );
  });

  test("takes sources of every kind, with lengths, one row at a time too", async () => {
    const [to, place] = [ids("target"), input({ shape: [3], name: "place" })];
    const heard = input({ shape: ["frames", 2], name: "heard", lengths: true });
    const y = embedding({ inputDim: 7, outputDim: 4 })(to);
    const decoded = gru({ units: 3, returnSequences: true })(y, { initialState: [place] });
    const trained = await trainedOf(
      model([heard, place, to], { next: scored(attention({ scoreMode: "general" })([decoded, heard])) }),
    );
    const x = {
      heard: [
        [[0.5, -1]],
        [
          [1, 2],
          [0.25, 0.5],
          [-1, 0],
        ],
      ],
      place: [
        [0.1, 0.2, 0.3],
        [-1, 0, 1],
      ],
    };
    await using whole = await predictor(trained, { backend: await cpu() });
    await using exported = await onnxSequenceModel(exportDecoding(trained));
    const scores = await whole.predict({ ...x, target: [[1], [1]] });
    for (const row of [0, 1]) {
      const run = await exported.open(x).read(Int32Array.of(row));
      expect(run.sourceSteps).toBe([1, 3][row]);
      const { tokens, logProbabilities } = await run.step({ tokens: Int32Array.of(1), from: Int32Array.of(0), top: 7 });
      tokens.forEach((token, i) => {
        expect(logProbabilities[i]).toBeCloseTo(Math.log(scores.data[row * 7 + token] as number), 5);
      });
      run.end();
    }
  });

  test("is one file for a language model, which begins with zeros", async () => {
    const made = sequential([
      embedding({ inputDim: 6, outputDim: 3 }),
      lstm({ units: 4, returnSequences: true }),
      dense({ units: 6, activation: "softmax" }),
    ]);
    const trained = await trainedOf(made);
    const files = exportDecoding(trained);
    expect(Object.keys(files)).toEqual(["decodeStep"]);
    await using exported = await onnxSequenceModel(files);
    await using whole = await predictor(trained, { backend: await cpu() });
    const [[best] = []] = await generate(exported, 1, { start: 1, end: 2, beamSize: 6, maxLength: 5 });
    const tokens = [1, ...(best?.tokens ?? []), ...(best?.finished ? [2] : [])];
    const { data } = await whole.predict([tokens.slice(0, -1)]);
    const sum = tokens.slice(1).reduce((total, token, t) => total + Math.log(data[t * 6 + token] as number), 0);
    expect(best?.logProbability).toBeCloseTo(sum, 4);
  });

  test("is not opened as anything else, and each file in its own place", async () => {
    const [one, other] = await Promise.all(
      ["states alone", "one embedding for both sides and the scores"].map((name) =>
        trainedOf((writers[name] as () => Model)()),
      ),
    );
    const { encode, decodeStep } = exportDecoding(one as Trained);
    const otherFiles = exportDecoding(other as Trained);
    const wrong = async (files: Parameters<typeof onnxSequenceModel>[0], message: RegExp) => {
      const error = await onnxSequenceModel(files).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(ModelFileError);
      expect((error as Error).message).toMatch(message);
    };
    await wrong(
      { encode: decodeStep, decodeStep: encode as Uint8Array },
      /given as decodeStep is the other file, encode/,
    );
    await wrong({ encode: decodeStep, decodeStep }, /given as encode is the other file, decodeStep/);
    await wrong({ encode: otherFiles.encode, decodeStep }, /encode and decodeStep are of different models/);
    await wrong({ decodeStep }, /encode is missing/);
    await wrong({ encode, decodeStep: exportOnnx(one as Trained) }, /given as decodeStep is not one of the two files/);
    await wrong({ encode: exportOnnx(one as Trained), decodeStep }, /given as encode is not one of the two files/);
    for (const files of [undefined, "decodeStep.onnx", { encode }])
      await expect(onnxSequenceModel(files as never)).rejects.toThrow(/takes both files that exportDecoding wrote/);
    await expect(onnxPredictor(decodeStep)).rejects.toThrow(/one of the two files of a sequence model/);
    const forged = exportDecoding(one as Trained, { metadata: { "ostinato.decoding": '{"half":"decodeStep"}' } });
    await wrong({ encode, decodeStep: forged.decodeStep }, /metadata "ostinato.decoding" is damaged/);
  });

  test("refuses ids that are none, and the error is ours", async () => {
    const trained = await trainedOf((writers["states alone"] as () => Model)());
    await using exported = await onnxSequenceModel(exportDecoding(trained));
    expect(() => exported.open({ source: [[9]] })).toThrow(/outside 0 … 8/);
    const run = await exported.open({ source: int32([1, 2], [3, 4]) }).read(Int32Array.of(0));
    const step = run.step({ tokens: Int32Array.of(7), from: Int32Array.of(0), top: 1 });
    await expect(step).rejects.toThrow(/each of tokens must be from 0 to 6, got 7/);
    await expect(run.step({ tokens: Int32Array.of(), from: Int32Array.of(), top: 1 })).rejects.toThrow(/no rows/);
    run.end();
  });
});
