/** Layers and cells of a user's own: types, descriptions and files of them. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  bidirectional,
  ConfigError,
  countParameters,
  defineLayer,
  dense,
  inferenceGraph,
  input,
  type Layer,
  lstm,
  type MergingLayer,
  model,
  type PointwiseLayer,
  parseModelSpec,
  printGraph,
  type RecurrentLayer,
  rnn,
  type Symbolic,
  sequential,
  summary,
} from "@ostinato/core";
import { add, gather, mul } from "@ostinato/core/graph";
import { loadModel, saveModel } from "@ostinato/core/node";
import { describe, expect, expectTypeOf, test } from "vitest";
import { buildModel } from "../src/nn/build.ts";
import { expectTyped } from "./expectMisuse.ts";
import { decay, gate, largest, readUnits, residual, scale, total } from "./ownKinds.ts";

const layers = [scale, largest, total, gate, residual, decay];
const x = () => input({ shape: ["time", 3], name: "x", lengths: true });
const json = (data: unknown): unknown => JSON.parse(JSON.stringify(data));

test("types: what layers take and give follows from outputs and merges, options from parse", () => {
  const words = x();
  const features = input({ shape: [3], name: "features" });
  expectTypeOf(scale()).toEqualTypeOf<PointwiseLayer>();
  expectTypeOf(scale({ initial: 2, name: "twice" })(words).kind).toEqualTypeOf<"sequence">();
  expectTypeOf(largest({})).toEqualTypeOf<Layer<"sequence", "features">>();
  expectTypeOf(total()).toEqualTypeOf<MergingLayer>();
  const [gated, by] = gate()([words, features]);
  expectTypeOf(gated).toEqualTypeOf<Symbolic<"sequence">>();
  expectTypeOf(by).toEqualTypeOf<Symbolic<"features">>();
  sequential([words, scale(), residual({ layer: dense({ units: 3 }) }), largest(), scale(), dense({ units: 1 })]);

  const table = defineLayer({
    kind: "table",
    parse: readUnits,
    takes: "ids",
    outputs: { ids: "sequence" },
    build: ({ parameter }, { units }, [ids]) => [
      { kind: "sequence", values: gather(parameter("rows", [5, units], "uniform"), ids.values) },
    ],
  });
  sequential([table({ units: 3 }), largest()]);

  // @ts-expect-error an option that is required
  expect(() => table()).toThrow("units");
  // @ts-expect-error an option that there is not
  expect(() => scale({ factor: 2 })).toThrow('scale has no option "factor"');
  // @ts-expect-error features for a sequence
  expect(() => largest()(features)).toThrow("largest takes a sequence");
  // @ts-expect-error a layer over time after one that ends it
  expect(() => sequential([words, largest(), lstm({ units: 2 })])).toThrow("lstm");
  // @ts-expect-error two kinds in one list
  expect(() => total()([words, features])).toThrow("total takes a list of inputs of one kind");
  // @ts-expect-error the kinds the other way round
  expect(() => gate()([features, words])).toThrow("gate takes [sequence, features]");
  // @ts-expect-error one input, no list
  expect(() => total()(words)).toThrow("total is applied to a list");
});

test("types: rnn gives what it returns, with the states of its cells", () => {
  const words = x();
  const cell = decay({ units: 2 });
  expectTypeOf(rnn(cell)).toEqualTypeOf<RecurrentLayer<"features", readonly ["h", "m"]>>();
  expectTypeOf(rnn(cell)(words).kind).toEqualTypeOf<"features">();
  expectTypeOf(rnn(cell, { returnSequences: true })(words).kind).toEqualTypeOf<"sequence">();
  const [y, h, m] = rnn(cell, { returnSequences: true, returnState: true })(words);
  expectTypeOf(y.kind).toEqualTypeOf<"sequence">();
  expectTypeOf(h.kind).toEqualTypeOf<"features">();
  const five = rnn([cell, cell], { returnState: true })(y, { initialState: [h, m, h, m] });
  type F = Symbolic<"features">;
  expectTypeOf(five).toEqualTypeOf<readonly [F, F, F, F, F]>();
  const both = bidirectional(rnn(cell, { returnSequences: true, returnState: true }))(words);
  expectTypeOf(both).toEqualTypeOf<readonly [Symbolic<"sequence">, F, F, F, F]>();
  sequential([words, rnn(cell, { returnSequences: true }), rnn(cell), dense({ units: 1 })]);

  // @ts-expect-error one state of two
  expect(() => rnn(cell)(words, { initialState: [h] })).toThrow("[h, m]");
  // @ts-expect-error an option of the cell
  expect(() => rnn(cell, { units: 2 })).toThrow('rnn has no option "units"');
  // @ts-expect-error a required option
  expect(() => decay()).toThrow("decay: units must be a whole number");
  // @ts-expect-error a layer is no cell
  expect(() => rnn(dense({ units: 2 }))).toThrow("rnn: cell takes a cell");
  // @ts-expect-error a recurrence after one that gives only its last state
  expect(() => sequential([words, rnn(cell), rnn(cell)])).toThrow("returnSequences");
});

/** Every form of layer and cell, wrapped and not. */
function everything() {
  const [words, features] = [x(), input({ shape: [3], name: "features" })];
  const around = residual({ layer: residual({ layer: dense({ units: 3, name: "inner" }) }), name: "around" });
  const [gated, by] = gate()([total()([scale({ initial: 2 })(words), around(words)]), features]);
  const both = bidirectional(rnn(decay({ units: 2 }), { returnSequences: true }))(gated);
  const top = rnn([decay({ units: 1 }), decay({ units: 2 })])(both);
  return model([words, features], { top, most: largest()(gated), by });
}

test("a parameter may be asked for twice in the same words, with half of a regularizer, or with functions", () => {
  const twice = defineLayer({
    kind: "twice",
    parse: () => ({}),
    takes: "features",
    outputs: { features: "features" },
    build({ parameter }, _config, [flow]) {
      const weight = () => parameter("w", [3], "ones", { regularizer: { l2: 0.1 } });
      const drawn = () =>
        parameter("v", [3], (stream) => Float32Array.of(1, 2, stream.uniform()), { trainable: false });
      parameter("v", [3], "zeros", { trainable: false, regularizer: null });
      expect(weight()).toBe(weight());
      return [{ ...flow, values: mul(mul(flow.values, weight()), add(drawn(), drawn())) }];
    },
  });
  const { spec } = sequential([input({ shape: [3] }), twice()]);
  expect(buildModel(spec).parameters.map(({ initialize, ...rest }) => rest)).toEqual([
    { name: "twice/v", shape: [3], trainable: false },
    { name: "twice/w", shape: [3], trainable: true, regularizer: { l1: 0, l2: 0.1 } },
  ]);
});

describe("descriptions and files", () => {
  const { spec } = everything();

  test("survive JSON with the same graph, read with what defines them", () => {
    const read = parseModelSpec(json(spec), { layers });
    expect(read).toEqual(spec);
    expect(json(read)).toEqual(json(spec));
    expect(printGraph(inferenceGraph(read))).toBe(printGraph(inferenceGraph(spec)));
    expect(parseModelSpec(spec)).toEqual(spec);
  });

  test("name parameters of layers inside after the layers around them", () => {
    expect(buildModel(spec).parameters.map(({ name }) => name)).toEqual([
      "scale/factor",
      "around/layer/layer/kernel",
      "around/layer/layer/bias",
      "bidirectional/forward/kernel",
      "bidirectional/backward/kernel",
      "rnn/0/kernel",
      "rnn/1/kernel",
    ]);
    expect(spec.layers.find(({ name }) => name === "rnn")?.config).toEqual({
      cell: [
        { kind: "decay", config: { units: 1 } },
        { kind: "decay", config: { units: 2 } },
      ],
      returnSequences: false,
      returnState: false,
      reverse: false,
      stateful: false,
    });
    expect(countParameters({ spec })).toBe(3 + 12 + 2 * 6 + 4 + 2);
    expect(summary({ spec })).toContain("around (residual)");
  });

  test("go to a file and come back", async () => {
    const weights = Object.fromEntries(
      buildModel(spec).parameters.map(({ name, shape }) => {
        const data = new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(0.5);
        return [name, { dtype: "float32" as const, shape, data }];
      }),
    );
    const folder = await mkdtemp(join(tmpdir(), "ostinato-own-"));
    const path = join(folder, "model.safetensors");
    try {
      await saveModel(path, { spec, weights });
      expect(await loadModel(path, { layers })).toEqual({ spec, weights });
      const others = layers.filter((one) => one !== decay);
      const failed = await loadModel(path, { layers: others }).catch((error: unknown) => error);
      expectTyped(failed, "ModelFileError", [
        path,
        'bidirectional "bidirectional": layer: its rnn: cell is of an unknown kind, "decay"',
        "pass what defineCell made for it in the options of what reads the model: { layers: [decay] }",
        "known are none",
      ]);
      const bare = await loadModel(path).catch((error: unknown) => error);
      expectTyped(bare, "ModelFileError", [
        'the model\'s layer "scale" is of an unknown kind, "scale"',
        "pass what defineLayer made for it in the options of what reads the model: { layers: [scale] }",
        "known are embedding, ",
      ]);
      await expect(loadModel(path, { layers: [...layers, scale] })).rejects.toThrow(ConfigError);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test("copied as plain data they have to be read again, as all others", () => {
    expect(() => inferenceGraph(structuredClone(spec))).toThrow("parseModelSpec");
    expect(printGraph(inferenceGraph(parseModelSpec(structuredClone(spec), { layers })))).toBe(
      printGraph(inferenceGraph(spec)),
    );
  });
});
