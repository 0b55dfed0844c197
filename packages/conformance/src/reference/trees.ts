/** `treeRecur` and its gradient, level by level: what the ops mean. */
import { checkForest, forestInputs, type OpAttrs, sizeOf } from "@ostinato/core";
import { type Dense, empty } from "./dense.ts";
import type { Kernels, RunContext } from "./kernel.ts";

/** An edge to a child: where the child stands, the row of its parent in the level, and its position among its siblings. */
interface Edge {
  readonly place: number;
  readonly parent: number;
  readonly position: number;
}

/** One level: where its nodes stand, counted along [time, batch], and the edges to their children. */
interface Level {
  /** The numbers of its first node and its first edge. */
  readonly node: number;
  readonly edge: number;
  readonly places: readonly number[];
  readonly edges: readonly Edge[];
}

function levelsOf(
  forest: readonly Dense[],
  { nameOf }: Pick<RunContext, "nameOf">,
  [time, batch]: readonly number[],
  arity: number | undefined,
): Level[] {
  const [nodes, edges, levels] = forest.map(({ data, shape }, i) => {
    return { name: nameOf(i), data, offset: 0, rows: shape[0] };
  });
  checkForest({ nodes, edges, levels }, { time, batch, arity });
  const placeOf = (node: number): number => nodes.data[2 * node + 1] * batch + nodes.data[2 * node];
  const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);
  return range(0, levels.rows).map((l) => {
    const [node, edge] = l === 0 ? [0, 0] : [levels.data[2 * l - 2], levels.data[2 * l - 1]];
    return {
      node,
      edge,
      places: range(node, levels.data[2 * l]).map(placeOf),
      edges: range(edge, levels.data[2 * l + 1]).map((e) => {
        const [child, parent, position] = edges.data.subarray(3 * e, 3 * e + 3);
        return { place: placeOf(child), parent: parent - node, position };
      }),
    };
  });
}

/** The size of what stands in one place of [time, batch, …]. */
const widthOf = ({ shape }: Dense): number => sizeOf(shape.slice(2));

/** What stands in some places of `x` [time, batch, …]; zeros for a place of undefined. */
function gathered(x: Dense, places: readonly (number | undefined)[]): Dense {
  const out = empty(x.dtype, [places.length, ...x.shape.slice(2)]);
  const width = widthOf(x);
  places.forEach((place, i) => {
    if (place !== undefined) out.data.set(x.data.subarray(place * width, (place + 1) * width), i * width);
  });
  return out;
}

/** Adds the rows of `from` to what stands in some places of `to`. */
function addRows(to: Dense, places: readonly (number | undefined)[], from: Dense): void {
  const width = widthOf(to);
  places.forEach((place, i) => {
    if (place === undefined) return;
    for (let k = 0; k < width; k++) to.data[place * width + k] += from.data[i * width + k];
  });
}

/** The places that the parameters for the children of one state come from: those of all children, or of those at each position. */
function placesOfChildren({ places, edges }: Level, arity: number | undefined): (number | undefined)[][] {
  if (arity === undefined) return [edges.map(({ place }) => place)];
  return Array.from({ length: arity }, (_, k) =>
    places.map((_, row) => edges.find(({ parent, position }) => parent === row && position === k)?.place),
  );
}

/** The parameters of the body behind those of cotangents. */
function parametersOf(
  level: Level,
  states: readonly Dense[],
  read: readonly Dense[],
  constants: readonly Dense[],
  { arity }: Pick<OpAttrs["treeRecur"], "arity">,
): Dense[] {
  const parents = Int32Array.from(level.edges, ({ parent }) => parent);
  return [
    ...states.flatMap((state) => placesOfChildren(level, arity).map((places) => gathered(state, places))),
    ...read.map((x) => gathered(x, level.places)),
    ...(arity === undefined ? [{ dtype: "int32", shape: [parents.length], data: parents } as const] : []),
    ...constants,
  ];
}

export const trees: Kernels<"treeRecur" | "treeRecurGrad"> = {
  treeRecur: (inputs, attrs, context) => {
    const { sizeOf: actual, parameters, runBody } = context;
    const { states: count, sequences, arity } = attrs;
    const read = inputs.slice(forestInputs, forestInputs + sequences);
    const constants = inputs.slice(forestInputs + sequences);
    const places = read[0].shape.slice(0, 2);
    const states = Array.from({ length: count }, (_, s) =>
      empty("float64", [...places, ...parameters[s * (arity ?? 1)].shape.slice(1).map(actual)]),
    );
    for (const level of levelsOf(inputs, context, places, arity)) {
      const results = runBody(parametersOf(level, states, read, constants, attrs));
      states.forEach((state, s) => {
        addRows(state, level.places, results[s]);
      });
    }
    return states;
  },

  treeRecurGrad: (inputs, attrs, context) => {
    const { sizeOf: actual, parameters, results: types, runBody } = context;
    const { states: count, sequences, slices, rows, arity } = attrs;
    const rest = inputs.slice(forestInputs);
    const states = rest.slice(0, count);
    const given = rest.slice(count, 2 * count);
    const read = rest.slice(2 * count, 2 * count + sequences);
    const constants = rest.slice(2 * count + sequences);
    const places = read[0].shape.slice(0, 2);
    const levels = levelsOf(inputs, context, places, arity);
    const cotangents = given.map((x) => {
      const own = empty("float64", x.shape);
      for (const level of levels) addRows(own, level.places, gathered(x, level.places));
      return own;
    });
    const ofChildren = count * (arity ?? 1);
    const nodes = inputs[0].shape[0];
    const [ofLevel] = parameters[0].shape;
    const made = types.slice(ofChildren).map(({ shape }, i) => {
      const rest = shape.slice(1).map(actual);
      if (i < slices) return empty("float64", [...places, ...rest]);
      return empty("float64", i < slices + rows ? [nodes, ...rest] : shape.map(actual));
    });
    for (const level of levels.toReversed()) {
      const own = cotangents.map((x) => gathered(x, level.places));
      const results = runBody([...own, ...parametersOf(level, states, read, constants, attrs)]);
      cotangents.forEach((cotangent, s) => {
        placesOfChildren(level, arity).forEach((children, k, { length }) => {
          addRows(cotangent, children, results[s * length + k]);
        });
      });
      made.forEach((sum, i) => {
        const result = results[ofChildren + i];
        if (i < slices) addRows(sum, level.places, result);
        else if (i < slices + rows)
          sum.data.set(
            result.data,
            (sum.data.length / nodes) * (types[ofChildren + i].shape[0] === ofLevel ? level.node : level.edge),
          );
        else for (let k = 0; k < sum.data.length; k++) sum.data[k] += result.data[k];
      });
    }
    return [...cotangents, ...made];
  },
};
