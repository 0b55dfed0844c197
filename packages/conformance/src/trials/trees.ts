/** Random trials of ops on trees: random bodies over random forests, and over those that are extremes. */
import {
  broadcast,
  cast,
  concat,
  div,
  dot,
  expandDims,
  full,
  gather,
  gradients,
  mul,
  scan,
  scatterAdd,
  select,
  sigmoid,
  size,
  slice,
  squeeze,
  sub,
  sum,
  tanh,
  treeRecur,
  type Value,
} from "@ostinato/core";
import { add } from "@ostinato/core/graph";
import type { Draw, DrawnDim, DrawTrial } from "./draw.ts";
import { type DrawnForest, drawForest, drawParents, type Form, type Parents } from "./forests.ts";

const known = (size: number): DrawnDim => ({ dim: size, size });
const times = (x: Value, w: Value): Value => dot(x, w, { contract: [[1], [0]] });

type Outputs = Readonly<Record<string, Value>>;

/** The states of children, weights by name, and what stands at the nodes. */
interface Here {
  /** The first state, and the last. */
  readonly h: readonly Value[];
  readonly c: readonly Value[];
  readonly x: Value;
  readonly parents: Value;
  readonly level: string;
  readonly units: number;
  readonly weights: Readonly<Record<string, Value>>;
}

/** Something of the children of each node, as wide as a state, and the weights that it takes. */
type Term = readonly [weights: readonly string[], make: (here: Here) => Value];

const square: readonly string[] = ["square"];

/** Where all children come one after another. */
const ofAll: readonly Term[] = [
  [square, ({ h, parents, level, weights }) => times(scatterAdd(parents, h[0], level), weights.square)],
  [
    square,
    ({ h, c, x, parents, level, weights }) =>
      scatterAdd(parents, mul(sigmoid(add(gather(x, parents), times(h[0], weights.square))), c[0]), level),
  ],
  [square, ({ c, parents, level, weights }) => tanh(scatterAdd(parents, times(c[0], weights.square), level))],
];

/** Where each child has its place. */
const ofEach: readonly Term[] = [
  [["wide"], ({ h, weights }) => times(concat([...h], 1), weights.wide)],
  [square, ({ h, c, weights }) => h.map((child, k) => mul(child, sigmoid(times(c[k], weights.square)))).reduce(add)],
  [[], ({ h, c, units }) => mul(slice(concat([...h], 1), 1, -units, units), tanh(c[0]))],
];

/** Some states over a forest: each made of what stands at a node and of its children. */
function drawStates(draw: Draw, { tree, time, batch }: DrawnForest, arity: number | undefined): Outputs {
  const units = draw.whole(1, 3);
  const places = [time, batch];
  const terms = Array.from({ length: draw.whole(1, 2) }, () =>
    Array.from({ length: draw.whole(1, 2) }, () => draw.one(arity === undefined ? ofAll : ofEach)),
  );
  const ids = draw.chance(0.3);
  const names = [...new Set([ids ? "table" : "bias", ...terms.flat().flatMap(([weights]) => weights)])];
  const rows: Readonly<Record<string, number>> = { table: 3, square: units, wide: units * (arity ?? 1) };
  const drawWeights = (name: string): Value =>
    draw.float(name, [...(name === "bias" ? [] : [known(rows[name])]), known(units)], -1, 1);
  const states = treeRecur({
    tree,
    sequences: [
      draw.float("x", [...places, known(units)]),
      ids ? draw.int("ids", places, 0, 2) : draw.bool("p", [...places, known(units)]),
    ],
    constants: names.map(drawWeights),
    states: terms.map(() => [units]),
    arity,
    body: ({ children, slices: [x, other], parents, constants, level }) => {
      const weights = Object.fromEntries(names.map((name, i) => [name, constants[i]]));
      const [h, c = h] = children;
      const own = ids ? add(x, gather(weights.table, other)) : select(other, x, weights.bias);
      const here: Here = { h, c, x, parents: parents as Value, level, units, weights };
      return terms.map((of) => tanh(of.map(([, make]) => make(here)).reduce(add, mul(own, 0.5))));
    },
  });
  const named = Object.fromEntries(states.map((state, s) => [`state${s}`, state]));
  return draw.chance(0.5) ? named : { state0: states[0] };
}

const drawArity = (draw: Draw): number | undefined => draw.one([undefined, undefined, 1, 2, 3]);

const drawTrees = (
  draw: Draw,
  form: Form,
  most: number,
  largest: number,
  arity = Number.POSITIVE_INFINITY,
): Parents[] =>
  Array.from({ length: draw.whole(1, most) }, () => drawParents(draw, form, draw.whole(1, largest), arity));

/** Random bodies over trees. */
export const overTrees =
  (make: (draw: Draw, arity: number | undefined) => readonly Parents[]): DrawTrial =>
  (draw) => {
    const arity = drawArity(draw);
    return drawStates(draw, drawForest(draw, make(draw, arity), arity), arity);
  };

/** A forest of a few trees, and a sequence over it. */
function drawSmall(draw: Draw): DrawnForest & { readonly x: Value } {
  const forest = drawForest(draw, drawTrees(draw, "random", 3, 5));
  return { ...forest, x: draw.float("x", [forest.time, forest.batch, known(2)]) };
}

const random = overTrees((draw, arity) => drawTrees(draw, "random", 3, 5, arity));

/** The gradients of random states as values of their own. */
const gradient: DrawTrial = (draw) => {
  const outputs = Object.values(random(draw));
  const seeds = outputs.map((value) => ({ value, cotangent: mul(value, 0.5) }));
  const wrt = (outputs[0].node.inputs as readonly Value[]).filter(({ type }) => type.dtype === "float32");
  return Object.fromEntries(gradients(seeds, wrt).map((value, i) => [`d${i}`, value]));
};

/** Trials of the ops. */
export const treeOpTrials = { treeRecur: random, treeRecurGrad: gradient } as const;

/** Bodies that pass values on in unusual ways. */
const oddBodies: Readonly<Record<string, DrawTrial>> = {
  "states that are slices, constants, or made of one number": (draw) => {
    const { tree, x } = drawSmall(draw);
    const states = treeRecur({
      tree,
      sequences: [x],
      constants: [draw.float("b", [known(2)])],
      states: [[2], [2], [2]],
      body: ({ slices: [now], constants: [b], level }) => {
        const total = broadcast(tanh(sum(now)), now.type.shape, []);
        return [now, draw.chance(0.5) ? full(0.25, [level, 2]) : total, broadcast(b, [level, 2], [1])];
      },
    });
    return Object.fromEntries(states.map((state, s) => [`state${s}`, state]));
  },
  "one value as both states, and states of other ranks": (draw) => {
    const { tree, x } = drawSmall(draw);
    const [a, b, ofRank1, ofRank3] = treeRecur({
      tree,
      sequences: [x],
      states: [[2], [2], [], [1, 2]],
      body: ({ children: [[h], , [count], [folded]], slices: [now], parents, level }) => {
        const of = parents as Value;
        const next = tanh(add(now, scatterAdd(of, h, level)));
        return [
          next,
          next,
          add(scatterAdd(of, count, level), 1),
          expandDims(add(next, squeeze(scatterAdd(of, folded, level), 1)), 1),
        ];
      },
    });
    return { a, b, ofRank1, ofRank3: mul(ofRank3, 0.1) };
  },
  "one sequence twice, and as a constant too": (draw) => {
    const { tree, x } = drawSmall(draw);
    const [h] = treeRecur({
      tree,
      sequences: [x, x],
      constants: [x],
      states: [[2]],
      arity: 5,
      body: ({ children: [[first, second]], slices: [now, again], constants: [whole], level }) => [
        tanh(add(add(mul(now, again), sub(first, second)), broadcast(sum(whole, [0, 1]), [level, 2], [1]))),
      ],
    });
    return { h };
  },
  "the sizes of a level, and a scan in it": (draw) => {
    const { tree, x } = drawSmall(draw);
    const steps = draw.float("steps", [draw.named("steps", 3), known(2)]);
    const [h] = treeRecur({
      tree,
      sequences: [x],
      constants: [steps],
      states: [[2]],
      body: ({ children: [[h]], slices: [now], parents, constants: [each], level }) => {
        const share = div(scatterAdd(parents as Value, h, level), cast(size(level), "float32"));
        const { carries } = scan({
          initial: [now],
          sequences: [each],
          body: ([k], [step]) => ({
            carries: [tanh(add(mul(k, 0.5), broadcast(step, k.type.shape, [1])))],
            outputs: [],
          }),
        });
        return [add(carries[0], share)];
      },
    });
    return { h };
  },
  "states of one op as the sequences of another": (draw) => {
    const { tree, x } = drawSmall(draw);
    const run = (over: Value, arity?: number) =>
      treeRecur({
        tree,
        sequences: [over],
        states: [[2]],
        arity,
        body: ({ children: [h], slices: [now], parents, level }) => [
          tanh(add(now, parents ? scatterAdd(parents, h[0], level) : h.reduce(add))),
        ],
      })[0];
    const first = run(x);
    const second = run(add(first, mul(x, 0.5)), 5);
    return { first, second };
  },
};

export const treeTrials: Readonly<Record<string, DrawTrial>> = {
  "one node, chains, stars, binary trees, many trees, no edges": overTrees((draw, arity) =>
    draw.one([
      () => [[-1]],
      () => drawTrees(draw, "chain", 2, 6),
      () => drawTrees(draw, "star", 2, 6, arity),
      () => drawTrees(draw, "random", 2, 7, Math.min(2, arity ?? 2)),
      () => drawTrees(draw, "random", 9, 2, arity),
      () => Array.from({ length: draw.whole(1, 6) }, () => [-1]),
    ])(),
  ),
  "values passed on in unusual ways": (draw) => draw.one(Object.values(oddBodies))(draw),
};
