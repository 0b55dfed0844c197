/** Random trials of layers and whole training graphs: parameters, data and targets are all feeds, so that all have gradients. */
import {
  accuracy,
  activation,
  activationNames,
  add,
  auc,
  average,
  bidirectional,
  binaryCrossentropy,
  categoricalCrossentropy,
  concatenate,
  dense,
  dropout,
  embedding,
  gru,
  huber,
  inferenceGraph,
  input,
  type Loss,
  lstm,
  type ModelSpec,
  maximum,
  meanAbsoluteError,
  meanSquaredError,
  mergeModes,
  minimum,
  model,
  multiply,
  nodesOf,
  recurrentActivationNames,
  sequential,
  sgd,
  simpleRnn,
  sparseCategoricalCrossentropy,
  substitute,
  subtract,
  trainingGraph,
  type Value,
} from "@ostinato/core";
import type { Draw, DrawnDim, DrawTrial } from "./draw.ts";

type Fetches = Readonly<Record<string, Value>>;

const known = (size: number): DrawnDim => ({ dim: size, size });

/** What a drawn model is fed in other ranges than from -1 to 1. */
interface Ranges {
  /** The number of words: ids are below it. */
  readonly words: number;
  /** The number of classes: labels are below it. */
  readonly classes: number;
}

/** The same fetches with every feed and every piece of state replaced by a drawn feed. */
function drawInputs(draw: Draw, fetches: Fetches, { words, classes }: Ranges): Fetches {
  const [batch, time] = [draw.named("batch", 4), draw.named("time", 5)];
  const sizes: Readonly<Record<string, DrawnDim>> = { batch, time };
  const inputs = nodesOf(Object.values(fetches)).filter((node) => node.op === "input");
  const drawn = inputs.map((node): Value => {
    const { name, dtype, shape } = node.attrs;
    const dims = shape.map((dim) => (typeof dim === "number" ? known(dim) : sizes[dim]));
    const isTarget = name.endsWith("/target");
    if (name.endsWith("/lengths")) return draw.lengths(name, batch, time);
    if (dtype === "int32" && dims.length === 0) return draw.int(name, dims, 0, 100);
    if (dtype === "int32") return draw.int(name, dims, 0, (isTarget ? classes : words) - 1);
    return draw.float(name, dims, isTarget || name === "training/sampleWeights" ? 0 : -1, 1);
  });
  const from = inputs.map((node): Value => ({ node, output: 0, type: node.outputs[0] }));
  const replaced = substitute(Object.values(fetches), from, drawn);
  return Object.fromEntries(Object.keys(fetches).map((name, i) => [name, replaced[i]]));
}

/** The kinds of data that most layers take: a sequence, with lengths or without, or features. */
function drawInput(draw: Draw) {
  const features = draw.number(5).size;
  return draw.one([
    input({ shape: ["time", features], lengths: true }),
    input({ shape: ["time", features] }),
    input({ shape: [features] }),
  ]);
}

/** What an lstm layer may have beside its units and what it returns. */
function drawLstmOptions(draw: Draw) {
  return {
    reverse: draw.chance(0.4),
    useBias: draw.chance(0.8),
    unitForgetBias: draw.chance(0.5),
    activation: draw.chance(0.8) ? "tanh" : draw.one(recurrentActivationNames),
    recurrentActivation: draw.chance(0.8) ? "sigmoid" : draw.one(recurrentActivationNames),
    dropout: draw.chance(0.8) ? 0 : 0.4,
    recurrentDropout: draw.chance(0.8) ? 0 : 0.4,
  } as const;
}

function drawLstmLayer(draw: Draw) {
  return lstm({ units: draw.number(5).size, returnSequences: true, ...drawLstmOptions(draw) });
}

/** What a gru layer may have beside its units and what it returns. */
function drawGruOptions(draw: Draw) {
  const { unitForgetBias: _, ...shared } = drawLstmOptions(draw);
  return { ...shared, resetAfter: draw.chance(0.6) };
}

/** The same of a simpleRnn. */
function drawSimpleRnnOptions(draw: Draw) {
  const { unitForgetBias: _, recurrentActivation: __, ...shared } = drawLstmOptions(draw);
  return shared;
}

/** Any recurrent layer, over time. */
function drawRecurrentLayer(draw: Draw) {
  const returns = { units: draw.number(5).size, returnSequences: true } as const;
  const kind = draw.one(["lstm", "gru", "simpleRnn"]);
  if (kind === "lstm") return lstm({ ...returns, ...drawLstmOptions(draw) });
  if (kind === "gru") return gru({ ...returns, ...drawGruOptions(draw) });
  return simpleRnn({ ...returns, ...drawSimpleRnnOptions(draw) });
}

/** A layer alone, or behind another recurrence, in inference or in training. */
function recurrentTrial(draw: Draw, layer: ReturnType<typeof drawRecurrentLayer>): Fetches {
  const start = input({ shape: ["time", draw.number(5).size], lengths: draw.chance(0.7) });
  const { spec } = sequential(draw.chance(0.4) ? [start, drawRecurrentLayer(draw), layer] : [start, layer]);
  return draw.chance(0.5) ? inference(draw, { spec }) : training(draw, spec, meanSquaredError());
}

/** A reader and a writer that begins with the states of the reader; then the reader once more, with the same weights. */
function statesTrial(draw: Draw): Fetches {
  const [units, features] = [draw.number(5).size, draw.number(5).size];
  const x = input({ shape: ["time", features], lengths: draw.chance(0.6) });
  const h0 = input({ shape: [units], name: "h0" });
  const options = { ...drawLstmOptions(draw), units, returnState: true } as const;
  const reader = lstm({ ...options, returnSequences: true });
  const writer = lstm({ ...drawLstmOptions(draw), units, returnSequences: draw.chance(0.5) as true });
  const [, h, c] = reader(x, { initialState: [h0, h0] });
  const [again] = reader(x, { initialState: [c, dense({ units })(h)] });
  return training(draw, model([x, h0], writer(again, { initialState: [h, c] })).spec, meanSquaredError());
}

/** The same where there is one state, which goes from a gru to a simpleRnn or the other way. */
function oneStateTrial(draw: Draw): Fetches {
  const [units, features] = [draw.number(5).size, draw.number(5).size];
  const x = input({ shape: ["time", features], lengths: draw.chance(0.6) });
  const h0 = input({ shape: [units], name: "h0" });
  const returns = { units, returnSequences: true, returnState: true } as const;
  const layers = [
    gru({ ...drawGruOptions(draw), ...returns }),
    simpleRnn({ ...drawSimpleRnnOptions(draw), ...returns }),
  ];
  const [reader, writer] = draw.chance(0.5) ? layers : layers.toReversed();
  const [, h] = reader(x, { initialState: [h0] });
  const [again] = reader(x, { initialState: [dense({ units })(h)] });
  const [y, last] = writer(again, { initialState: [h] });
  return training(draw, model([x, h0], draw.chance(0.5) ? y : last).spec, meanSquaredError());
}

const mergingLayers = [concatenate, add, multiply, average, maximum, minimum, subtract] as const;

/** Two or three inputs of one kind, of lengths of their own or not, merged; then a recurrence or a dense layer. */
function mergingTrial(draw: Draw): Fetches {
  const units = draw.number(5).size;
  const make = draw.one(mergingLayers);
  const count = make === subtract ? 2 : draw.whole(2, 3);
  const names = Array.from({ length: count }, (_, i) => `x${i}`);
  const sizes = names.map(() => (make === concatenate ? draw.number(5).size : units));
  if (draw.chance(0.3)) {
    const xs = names.map((name, i) => input({ name, shape: [sizes[i]] }));
    return training(draw, model(xs, dense({ units: 2 })(make()(xs))).spec, meanSquaredError());
  }
  const xs = names.map((name, i) => input({ name, shape: ["time", sizes[i]], lengths: draw.chance(0.7) }));
  const merged = make()(xs);
  const last = draw.chance(0.5) ? drawLstmLayer(draw)(merged) : dense({ units: 2 })(merged);
  return draw.chance(0.4) ? inference(draw, model(xs, last)) : training(draw, model(xs, last).spec, meanSquaredError());
}

const inference = (draw: Draw, { spec }: { readonly spec: ModelSpec }): Fetches =>
  drawInputs(draw, inferenceGraph(spec).fetches, { words: 6, classes: 1 });

function training(draw: Draw, spec: ModelSpec, loss: Loss, classes = 1): Fetches {
  const metrics = loss.kind === "binaryCrossentropy" ? [accuracy(), auc()] : [accuracy()];
  const weighing = draw.chance(0.3) ? (isFeatures(spec) ? "rows" : draw.one(["rows", "steps"] as const)) : "none";
  const graph = trainingGraph(
    spec,
    { loss, metrics, weightedMetrics: [accuracy({ name: "weighted" })] },
    sgd(),
    draw.whole(0, 2 ** 31),
    weighing,
  );
  return drawInputs(draw, graph.fetches, { words: 6, classes });
}

/** Whether the output of a model is one vector a row: it has no steps that could have weights. */
function isFeatures(spec: ModelSpec): boolean {
  return Object.values(inferenceGraph(spec).fetches).every((value) => value.type.shape.length === 2);
}

/** Every kind of layer. */
export const layerTrials: Readonly<
  Record<
    | "embedding"
    | "lstm"
    | "gru"
    | "simpleRnn"
    | "bidirectional"
    | "states of lstms"
    | "states of grus and simpleRnns"
    | "dense"
    | "dropout"
    | "activation"
    | "merging",
    DrawTrial
  >
> = {
  embedding: (draw) => {
    const table = embedding({ inputDim: 6, outputDim: draw.number(5).size, maskZero: draw.chance(0.5) });
    // With a layer that honours the lengths behind it now and then: they are found in the ids.
    return inference(draw, draw.chance(0.5) ? sequential([table]) : sequential([table, drawLstmLayer(draw)]));
  },
  lstm: (draw) => {
    const start = input({ shape: ["time", draw.number(5).size], lengths: draw.chance(0.7) });
    const last = lstm({ units: draw.number(5).size, ...drawLstmOptions(draw) });
    return inference(draw, sequential(draw.chance(0.5) ? [start, drawLstmLayer(draw)] : [start, last]));
  },
  gru: (draw) =>
    recurrentTrial(
      draw,
      gru({ units: draw.number(5).size, returnSequences: draw.chance(0.5) as true, ...drawGruOptions(draw) }),
    ),
  simpleRnn: (draw) => {
    const options = {
      units: draw.number(5).size,
      returnSequences: draw.chance(0.5) as true,
      ...drawSimpleRnnOptions(draw),
    };
    return recurrentTrial(draw, simpleRnn(options));
  },
  bidirectional: (draw) => {
    const start = input({ shape: ["time", draw.number(4).size], lengths: draw.chance(0.7) });
    const layer = gru({
      units: draw.number(4).size,
      returnSequences: draw.chance(0.5) as true,
      ...drawGruOptions(draw),
    });
    const stack = sequential([
      start,
      bidirectional(drawRecurrentLayer(draw) as typeof layer, { mergeMode: draw.one(mergeModes) }),
    ]);
    const { spec } = draw.chance(0.5)
      ? stack
      : sequential([start, bidirectional(layer, { mergeMode: draw.one(mergeModes) })]);
    return draw.chance(0.5) ? inference(draw, { spec }) : training(draw, spec, meanSquaredError());
  },
  "states of lstms": statesTrial,
  "states of grus and simpleRnns": oneStateTrial,
  dense: (draw) => {
    const options = { units: draw.number(5).size, activation: draw.one(activationNames), useBias: draw.chance(0.8) };
    return inference(draw, sequential([drawInput(draw), dense(options)]));
  },
  dropout: (draw) => {
    const layers = [drawInput(draw), dropout({ rate: draw.one([0, 0.2, 0.5, 0.9]) })];
    return training(draw, sequential(layers).spec, meanSquaredError());
  },
  activation: (draw) =>
    inference(draw, sequential([drawInput(draw), activation({ activation: draw.one(activationNames) })])),
  merging: mergingTrial,
};

/** Embedding or vectors, up to two recurrent layers, dropout, dense; a loss that fits, and its metrics. */
export function trainingTrial(draw: Draw): Fetches {
  const start = draw.chance(0.6)
    ? [embedding({ inputDim: 6, outputDim: draw.number(4).size, maskZero: draw.chance(0.7) })]
    : [input({ shape: ["time", draw.number(4).size], lengths: draw.chance(0.5) })];
  const between = draw.chance(0.4) ? [dropout({ rate: 0.4 }), drawLstmLayer(draw)] : [];
  const end = draw.chance(0.6) ? lstm({ units: draw.number(5).size }) : drawLstmLayer(draw);
  const classes = draw.whole(2, 4);
  const [loss, head] = draw.one([
    [binaryCrossentropy(), dense({ units: 1, activation: "sigmoid" })],
    [categoricalCrossentropy(), dense({ units: classes, activation: "softmax" })],
    [sparseCategoricalCrossentropy(), dense({ units: classes, activation: "softmax" })],
    [draw.one([meanSquaredError(), meanAbsoluteError(), huber()]), dense({ units: draw.number(3).size })],
  ] as const);
  return training(draw, sequential([...start, ...between, end, head]).spec, loss, classes);
}
