/** What else a layer of a user's own may be: of ids, a recurrence around an op, one that draws masks; and what hostile files make of them. */
import { minGru } from "@ostinato/cells";
import { blend, evaluate, ownKinds, reference, residual, scale } from "@ostinato/conformance";
import {
  bidirectional,
  compile,
  DataError,
  defineLayer,
  dense,
  featuresOf,
  float32,
  fromBytes,
  inferenceGraph,
  input,
  type Json,
  type Layer,
  type LayerMaker,
  ModelFileError,
  meanSquaredError,
  model,
  nodesOf,
  OptionReader,
  parseModelSpec,
  predictor,
  type RecurrentLayer,
  recurrence,
  rnn,
  rootsOf,
  ShapeError,
  sequential,
  sgd,
  siteOf,
  sparseCategoricalCrossentropy,
  type Tensors,
  toBytes,
  trainingGraph,
} from "@ostinato/core";
import { add, gather, mul, reshape, sequenceLengths, transpose } from "@ostinato/core/graph";
import { describe, expect, test } from "vitest";

const objective = { backend: reference(), loss: meanSquaredError(), optimizer: sgd(), seed: 1 };

/** An embedding of one's own: half of its vectors' features are the same for all ids. */
const table = defineLayer({
  kind: "table",
  parse(options: { readonly inputDim: number; readonly maskZero?: boolean }, owner) {
    const read = new OptionReader(owner, options, ["inputDim", "maskZero"]);
    return { inputDim: read.integer("inputDim", 1), maskZero: read.boolean("maskZero", false) };
  },
  takes: "ids [batch, time]",
  outputs: { ids: "sequence" },
  ids: (config) => config,
  build({ parameter }, { inputDim, maskZero }, [ids]) {
    const values = gather(parameter("rows", [inputDim, 2], "uniform"), ids.values);
    return [{ kind: "sequence", values, ...(maskZero ? { lengths: sequenceLengths(ids.values) } : {}) }];
  },
});

test("a layer of ids says what they must be: data is checked for it, and rows may be ragged where it finds their lengths", async () => {
  const network = (maskZero: boolean) => sequential([table({ inputDim: 5, maskZero }), rnn(minGru({ units: 2 }))]);
  await using masked = await compile(network(true), objective);
  expect((await masked.predict([[1, 2, 3], [4], []])).shape).toEqual([3, 2]);
  const alone = await masked.predict([[4]]);
  const beside = await masked.predict([[1, 2, 3], [4]]);
  expect(Array.from(beside.data.subarray(2))).toEqual(Array.from(alone.data));
  await expect(masked.predict([[1, 5]])).rejects.toThrow('table "table": input "input", row 0 has the id 5 at step 1');
  await expect(masked.predict([[0, 3]])).rejects.toThrow(DataError);
  await using plain = await compile(network(false), objective);
  expect((await plain.predict([[0, 3]])).shape).toEqual([1, 2]);
  await expect(plain.predict([[1, 2, 3], [4]])).rejects.toThrow("row");
});

type Options = { readonly units: number; readonly reverse?: boolean };

/** An LSTM with peepholes around the op that has them: a recurrence without a cell. */
const peepholes: LayerMaker<Options, RecurrentLayer<"sequence", "lstm">> = defineLayer({
  kind: "peepholes",
  parse(options: Options, owner) {
    const read = new OptionReader(owner, options, ["units", "reverse", "returnSequences", "returnState"]);
    return {
      units: read.integer("units", 1),
      reverse: read.boolean("reverse", false),
      returnSequences: read.boolean("returnSequences", true),
      returnState: read.boolean("returnState", false),
    };
  },
  takes: "a sequence [batch, time, features]",
  outputs: { sequence: "sequence" },
  recurrence: true,
  states: () => ["h", "c"],
  build({ parameter }, { units, reverse }, [x, h, c]) {
    const { y } = recurrence(
      "lstm",
      {
        X: x.values,
        W: parameter("W", [4 * units, featuresOf(x)], "glorotUniform"),
        R: parameter("R", [4 * units, units], "orthogonal"),
        B: parameter("B", [4 * units], "zeros"),
        P: parameter("P", [3 * units], "normal"),
        ...(h && c ? { initialH: h.values, initialC: c.values } : {}),
        ...(x.lengths ? { lengths: x.lengths } : {}),
      },
      { direction: reverse ? "reverse" : "forward" },
    );
    return [{ ...x, values: y }];
  },
});

test("a recurrence around an op begins with states that are given, and runs in both directions", () => {
  const x = input({ shape: ["time", 2], name: "x", lengths: true });
  const [h, c] = ["h", "c"].map((name) => input({ shape: [3], name }));
  const layer = bidirectional(peepholes({ units: 3 }), { name: "both" });
  const { spec } = model([x, h, c], layer(x, { initialState: [h, c, h, c] }));
  const graph = inferenceGraph(spec);
  expect(graph.fetches.output.type.shape).toEqual(["batch", "time", 6]);
  const directions = nodesOf(rootsOf(graph)).flatMap((node) => (node.op === "lstm" ? [node.attrs.direction] : []));
  expect(directions).toEqual(["forward", "reverse"]);
  expect(() => peepholes({ units: 3 })(x, { initialState: [h] as never })).toThrow("[h, c]");
  expect(parseModelSpec(JSON.parse(JSON.stringify(spec)), { layers: [peepholes] })).toEqual(spec);
});

test("each mask that a layer asks for is one of its own, as is each use of the layer", () => {
  const noise = defineLayer({
    kind: "noise",
    parse: () => ({}),
    takes: "features",
    outputs: { features: "features" },
    build({ mask }, _config, [x]) {
      const { shape } = x.values.type;
      const masks = mask ? [mask(0.5, shape), mask(0.5, shape), mask(0.5, shape, "b"), mask(0.5, shape, "b")] : [];
      return [{ ...x, values: masks.reduce((values, own) => mul(values, own), x.values) }];
    },
  });
  const shared = noise({ name: "n" });
  const x = input({ shape: [2] });
  const { spec } = model(x, dense({ units: 1 })(shared(shared(x))));
  const graph = trainingGraph(spec, { loss: meanSquaredError(), metrics: [] }, sgd(), 1);
  const sites = nodesOf(rootsOf(graph)).flatMap((node) => (node.op === "dropoutMask" ? [node.attrs.site] : []));
  const names = ["n", "n/+1", "n/b", "n/b+1"].flatMap((name) => [name, `${name}:1`]);
  expect(sites.toSorted()).toEqual(names.map(siteOf).toSorted());
  expect(nodesOf(rootsOf(inferenceGraph(spec))).some(({ op }) => op === "dropoutMask")).toBe(false);
});

test("an output over a known number of steps is trained on targets of as many, with weights of steps", async () => {
  const unfold = defineLayer({
    kind: "unfold",
    parse: (options: object, owner) => {
      new OptionReader(owner, options, []);
      return {};
    },
    takes: "features",
    outputs: { features: "sequence" },
    build: (_, __, [x]) => [{ kind: "sequence", values: transpose(reshape(x.values, ["batch", 3, 2]), [1, 0, 2]) }],
  });
  const backend = reference();
  const x = [
    [1, 2, 3, 4, 5, 6],
    [6, 5, 4, 3, 2, 1],
  ];
  const sampleWeights = [
    [1, 0, 2],
    [0.5, 1, 0],
  ];
  const plain = sequential([input({ shape: [6] }), unfold()]);
  await using numbers = await compile(sequential([input({ shape: [6] }), dense({ units: 6 }), unfold()]), {
    backend,
    loss: meanSquaredError(),
    optimizer: sgd({ learningRate: 0.01 }),
  });
  const y = x.map((row) => [row.slice(0, 2), row.slice(2, 4), row.slice(4)]);
  const { epochs } = await numbers.fit({ x, y, sampleWeights }, { epochs: 30 });
  expect(epochs.at(-1)?.loss).toBeLessThan((epochs[0].loss as number) / 4);
  expect((await numbers.predict(x)).shape).toEqual([2, 3, 2]);
  await expect(numbers.fit({ x, y: y.map((row) => row.slice(1)) })).rejects.toThrow(
    'y of "output" must be float32[rows, 3, 2]; row 0 has 2 steps',
  );
  // -log of a softmax over [1, 2] at 0, over [3, 4] and [5, 6] at 1, and so on, each times its weight; the mean over six steps.
  await using labels = await compile(
    { spec: plain.spec },
    { backend, loss: sparseCategoricalCrossentropy({ fromLogits: true }), optimizer: sgd() },
  );
  const [near, far] = [Math.log(1 + Math.exp(-1)), Math.log(1 + Math.exp(1))];
  const { loss } = await labels.evaluate({
    x,
    y: [
      [0, 1, 1],
      [0, 1, 1],
    ],
    sampleWeights,
  });
  expect(loss).toBeCloseTo((1 * far + 0 * near + 2 * near + 0.5 * near + 1 * far + 0 * far) / 6, 6);
});

describe("initializers of one's own", () => {
  const begun = (initialize: () => unknown) => {
    const own = defineLayer({
      kind: "own",
      parse: () => ({}),
      takes: "features",
      outputs: { features: "features" },
      build: ({ parameter }, _config, [x]) => [
        { ...x, values: add(x.values, parameter("w", [2], initialize as () => Float32Array)) },
      ],
    });
    return compile(sequential([input({ shape: [2] }), own()]), objective);
  };

  test("give the first numbers", async () => {
    await using trainer = await begun(() => Float32Array.of(3, -4));
    expect((await trainer.snapshot()).weights["own/w"].data).toEqual(Float32Array.of(3, -4));
  });

  test.each([
    ["too few", () => Float32Array.of(1)],
    ["a plain list", () => [1, 2]],
    ["nothing", () => undefined],
    ["what is not finite", () => Float32Array.of(1, Number.NaN)],
  ])("that give %s are refused by the parameter's name", async (_, initialize) => {
    await expect(begun(initialize)).rejects.toThrow(ShapeError);
    await expect(begun(initialize)).rejects.toThrow('the parameter "own/w" must begin with a Float32Array of 2');
  });
});

describe("hostile files", () => {
  const x = input({ shape: ["time", 2], name: "x" });
  const { spec } = model(x, rnn(minGru({ units: 2 }))(residual({ layer: scale() })(blend()([x, scale()(x)]))));
  type Edit = (layers: { kind: string; config: Json; name: string }[]) => void;
  const edited = (edit: Edit): unknown => {
    const copy = JSON.parse(JSON.stringify(spec));
    edit(copy.layers);
    return copy;
  };
  const at =
    (kind: string, config: Json): Edit =>
    (layers) => {
      const layer = layers.find((one) => one.kind === kind);
      if (layer) layer.config = config;
    };
  const deep = (levels: number): Json => {
    let layer: Json = { kind: "scale", config: {} };
    for (let i = 0; i < levels; i++) layer = { kind: "residual", config: { layer } };
    return layer;
  };

  test.each<readonly [string, Edit, string]>([
    ["no options", at("scale", null), "scale"],
    ["an option that there is not", at("scale", { more: 1 }), 'scale "scale" has no option "more"'],
    ["no layer inside", at("residual", { layer: null }), 'residual "residual": layer takes a layer, got null'],
    ["no kind inside", at("residual", { layer: { kind: 3 } }), "layer takes a layer"],
    ["an unknown kind inside", at("residual", { layer: { kind: "toString", config: {} } }), 'unknown kind, "toString"'],
    [
      "a cell inside",
      at("residual", { layer: { kind: "minGru", config: { units: 1 } } }),
      'layer must be a layer, and "minGru" is a cell',
    ],
    [
      "a layer for a cell",
      at("rnn", { cell: { kind: "scale", config: {} } }),
      'cell must be a cell, and "scale" is a layer',
    ],
    ["a layer of the library for a cell", at("rnn", { cell: { kind: "dense", config: {} } }), '"dense" is a layer'],
    ["a cell of an unknown kind", at("rnn", { cell: { kind: "own", config: {} } }), 'unknown kind, "own"; where'],
    ["a cell for a layer of the model", (layers) => Object.assign(layers[0], { kind: "minGru" }), "is a cell"],
    ["no cell", at("rnn", {}), 'rnn "rnn": cell takes a cell'],
    ["no cells", at("rnn", { cell: [] }), 'rnn "rnn": cell'],
    ["wrong options of a cell", at("rnn", { cell: { kind: "minGru", config: { units: 0 } } }), "its minGru: units"],
    ["a kind of 1 MB", (layers) => Object.assign(layers[0], { kind: "k".repeat(1e6) }), "unknown kind"],
    ["layers inside of layers, deep", at("residual", { layer: deep(200) }), "nests deeper than 64 levels"],
    ["layers inside of layers, deeper than the stack", at("residual", { layer: deep(3_000) }), "residual"],
  ])("%s", (_, edit, words) => {
    const parse = () => parseModelSpec(edited(edit), { layers: ownKinds });
    expect(parse).toThrow(words);
    try {
      parse();
    } catch (error) {
      expect(["ConfigError", "ModelFileError"]).toContain((error as Error).name);
      expect((error as Error).message.length).toBeLessThan(2_000);
    }
  });

  test("what a parse throws that was not written for hostile options becomes a ModelFileError with the layer's name", () => {
    const careless = defineLayer({
      kind: "careless",
      parse: (options: { readonly sizes: readonly number[] }) => ({ sizes: options.sizes.map(Math.abs) }),
      takes: "features",
      outputs: (_config, inputs) => [inputs[0].includes("x") ? "sequence" : "features"],
      build: (_context, _config, [x]) => [x],
    }) as LayerMaker<{ readonly sizes: readonly number[] }, Layer<"features", "features">>;
    const from = input({ shape: [2] });
    const good = JSON.parse(JSON.stringify(model(from, careless({ sizes: [] })(from)).spec));
    const read = (): unknown => parseModelSpec(good, { layers: [careless] });
    expect(read()).toEqual(good);
    good.layers[0].config = {};
    expect(read).toThrow(ModelFileError);
    expect(read).toThrow('the model\'s careless "careless" cannot be read: Cannot read properties of undefined');
    good.layers[0].config = { sizes: [] };
    good.calls[0].sources = [];
    expect(read).toThrow(ModelFileError);
    expect(read).toThrow('the model\'s careless "careless" cannot be read');
    expect(() => careless({ sizes: 3 as never })).toThrow(TypeError);
  });

  test("what a build throws that was not written for the model becomes a ModelFileError when the file is read", async () => {
    const pair = defineLayer({
      kind: "pair",
      parse: () => ({}),
      takes: "features",
      merges: true,
      outputs: (_config, inputs) => inputs.slice(0, 1),
      build: (_context, _config, [a, b]) => [{ ...a, values: add(a.values, b.values) }],
    }) as unknown as () => (inputs: readonly unknown[]) => never;
    const [a, b] = [input({ shape: [2], name: "a" }), input({ shape: [2], name: "b" })];
    await using trainer = await compile(model([a, b], dense({ units: 1 })(pair()([a, b]))), objective);
    const trained = await trainer.snapshot();
    const text = new TextDecoder("latin1").decode(toBytes(trained));
    const sources = '\\"sources\\":[{\\"input\\":0},{\\"input\\":1}]';
    // One input less, and as many characters, since the header says how many it has.
    const fewer = text.replace(sources, '\\"sources\\":[{\\"input\\":0}]'.padEnd(sources.length));
    const bytes = Uint8Array.from(fewer, (character) => character.charCodeAt(0));
    const read = () => fromBytes(bytes, { layers: [pair as never] });
    expect(read).toThrow(ModelFileError);
    expect(read).toThrow("the model cannot be built: Cannot read properties of undefined");
  });
});

test("weights that were given begin a layer of one's own, and a loaded one trains on", async () => {
  const network = sequential([input({ shape: [2] }), scale({ name: "s" }), dense({ units: 1 })]);
  const weights: Tensors = { "s/factor": { dtype: "float32", shape: [2], data: Float32Array.of(2, 3) } };
  await using trainer = await compile(network, { ...objective, weights });
  expect((await trainer.snapshot()).weights["s/factor"].data).toEqual(Float32Array.of(2, 3));
  const read = fromBytes(toBytes(await trainer.snapshot()), { layers: [scale] });
  await using again = await compile(read, { ...objective, weights: read.weights });
  await again.fit(
    {
      x: [
        [1, 2],
        [3, 4],
      ],
      y: [1, 2],
    },
    { epochs: 2 },
  );
  await using used = await predictor(await again.snapshot(), { backend: reference() });
  expect((await used.predict([[1, 2]])).shape).toEqual([1, 1]);
  expect(
    evaluate(inferenceGraph(read.spec), { input: float32([1, 2], [1, 1]) }, read.weights).fetches.output.shape,
  ).toEqual([1, 1]);
});
