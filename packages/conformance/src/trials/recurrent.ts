/** Random trials of the recurrent ops: every attribute, every optional input, every kind of length. */
import {
  add,
  cast,
  type Dim,
  dot,
  dropoutMask,
  gradients,
  type LstmSettings,
  lstmOp,
  mul,
  scan,
  select,
  sigmoid,
  sub,
  sum,
  tanh,
  type Value,
} from "@ostinato/core";
import type { Draw, DrawnDim } from "./draw.ts";

/** What an `lstm` may have beside X, W, R and B. */
export interface LstmFeatures extends LstmSettings {
  readonly lengths?: boolean;
  readonly initialH?: boolean;
  readonly initialC?: boolean;
  readonly peepholes?: boolean;
  readonly recurrentMask?: boolean;
}

/** Its outputs by name. */
export interface DrawnLstm {
  readonly y: Value;
  readonly h: Value;
  readonly c: Value;
}

const known = (size: number): DrawnDim => ({ dim: size, size });

/** A mask is a constant to its reader, and so it is drawn within the graph. */
function drawMask(draw: Draw, shape: readonly Dim[]): Value {
  return dropoutMask(draw.int("step", [], 0, 100), { rate: 0.4, seed: 1, site: draw.whole(0, 1000), shape });
}

/** An `lstm` of random sizes and data. */
export function drawLstm(draw: Draw, features: LstmFeatures, hidden = draw.number(5).size): DrawnLstm {
  const { lengths, initialH, initialC, peepholes, recurrentMask, ...settings } = features;
  const [time, batch] = [draw.named("time", 5), draw.named("batch", 4)];
  const inputSize = draw.number(4).size;
  const rows = [batch, known(hidden)];
  return lstmOp(
    {
      X: draw.float("X", [time, batch, known(inputSize)], -1, 1),
      W: draw.float("W", [known(4 * hidden), known(inputSize)], -1, 1),
      R: draw.float("R", [known(4 * hidden), known(hidden)], -1, 1),
      B: draw.float("B", [known(4 * hidden)], -1, 1),
      ...(lengths ? { lengths: draw.lengths("lengths", batch, time) } : {}),
      ...(initialH ? { initialH: draw.float("initialH", rows, -1, 1) } : {}),
      ...(initialC ? { initialC: draw.float("initialC", rows, -1, 1) } : {}),
      ...(peepholes ? { P: draw.float("P", [known(3 * hidden)], -1, 1) } : {}),
      ...(recurrentMask ? { recurrentMask: drawMask(draw, [4, batch.dim, hidden]) } : {}),
    },
    settings,
  );
}

/** Any combination of what an `lstm` may have. */
export function drawFeatures(draw: Draw): LstmFeatures {
  const activation = (): "Sigmoid" | "Tanh" | "Relu" => draw.one(["Sigmoid", "Tanh", "Relu"]);
  return {
    direction: draw.one(["forward", "reverse"]),
    ...(draw.chance(0.3) ? { activations: [activation(), activation(), activation()] } : {}),
    ...(draw.chance(0.3) ? { clip: 0.5 + draw.random.uniform() } : {}),
    inputForget: draw.chance(0.3),
    lengths: draw.chance(0.7),
    initialH: draw.chance(0.4),
    initialC: draw.chance(0.4),
    peepholes: draw.chance(0.3),
    recurrentMask: draw.chance(0.3),
  };
}

/** Some of the outputs of an `lstm`, so that gradients arrive by every way. */
function someOf(draw: Draw, { y, h, c }: DrawnLstm): Readonly<Record<string, Value>> {
  return draw.one<Readonly<Record<string, Value>>>([{ y }, { h }, { c }, { y, h }, { h, c }, { y, h, c }]);
}

/** A gated cell with two carries, one of them whole numbers, over two sequences and two constants. */
function scanTrial(draw: Draw): Readonly<Record<string, Value>> {
  const [time, batch] = [draw.named("time", 5), draw.named("batch", 4)];
  const hidden = draw.number(4);
  const { carries, outputs } = scan({
    initial: [draw.float("h", [batch, hidden]), draw.int("count", [batch])],
    sequences: [draw.float("x", [time, batch, hidden]), draw.bool("p", [time, batch, hidden])],
    constants: [draw.float("w", [hidden, hidden], -1, 1), draw.float("b", [hidden], -1, 1)],
    reverse: draw.chance(0.5),
    ...(draw.chance(0.6) ? { lengths: draw.lengths("lengths", batch, time) } : {}),
    body: ([h, count], [x, p], [w, b]) => {
      const z = sigmoid(add(dot(h, w, { contract: [[1], [0]] }), b));
      const next = add(mul(z, h), mul(sub(1, z), tanh(select(p, x, h))));
      const seen = add(count, cast(sum(cast(p, "int32"), [1]), "int32"));
      return { carries: [next, seen], outputs: [mul(next, x), cast(seen, "float32"), z] };
    },
  });
  const [h, count] = carries;
  const [y, seen, z] = outputs;
  return draw.one<Readonly<Record<string, Value>>>([{ h, count, y, seen, z }, { y }, { h }, { count, z }]);
}

/** The gradients of an `lstm` as values of their own. */
function lstmGradTrial(draw: Draw): Readonly<Record<string, Value>> {
  const outputs = Object.values(someOf(draw, drawLstm(draw, drawFeatures(draw))));
  const seeds = outputs.map((value) => ({ value, cotangent: mul(value, 0.5) }));
  const [{ node }] = outputs;
  const wrt = node.inputs.filter((input) => input.type.dtype === "float32");
  const names = wrt.map(({ node: input }) => (input.op === "input" ? input.attrs.name : input.op));
  return Object.fromEntries(gradients(seeds, wrt).map((gradient, i) => [names[i], gradient]));
}

export const recurrentTrials = {
  lstm: (draw: Draw) => someOf(draw, drawLstm(draw, drawFeatures(draw))),
  lstmGrad: lstmGradTrial,
  scan: scanTrial,
} as const;
