/** The layer `treeRnn`: runs tree cells that users define over the nodes of trees. */
import { ConfigError, ShapeError } from "../../errors.ts";
import { gather, scatterAdd } from "../../ir/build/index.ts";
import { parameter } from "../../ir/build/source.ts";
import { levelDims } from "../../ir/forest.ts";
import { substitute } from "../../ir/rewrite.ts";
import { type Dim, type Shape, showShape, showType, type Value } from "../../ir/value.ts";
import { hoistTrees } from "../../recurrent/hoistTrees.ts";
import { joinPads } from "../../recurrent/joinPads.ts";
import { treeRecur } from "../../recurrent/treeRecur.ts";
import { type Flow, featuresOf } from "../kinds.ts";
import type { AnyLayer, LayerDefinition } from "../layer.ts";
import { createLayer } from "../make.ts";
import { expectKeys, isRecord, OptionReader, shown } from "../options.ts";
import { outsideOf } from "../outside.ts";
import { lastStep } from "../pooling.ts";
import { type Cell, parseCell } from "../recurrent/cell.ts";
import { expectOwn, expectValue, watched } from "../results.ts";
import { toldOf } from "../wrapping.ts";
import type { TreeLayer } from "./create.ts";
import { expectPlaces, expectTree, TAKES } from "./layer.ts";
import { type BuiltTreeCell, ofTrees, type TreeNodes, treeCellOf } from "./ownCell.ts";
import { treeReader } from "./reader.ts";

export type TreeRnnConfig = { readonly cell: Cell; readonly returnSequences: boolean };

/** The places of the children of a cell; undefined where they have none. @throws ConfigError */
function placesOf({ cell }: TreeRnnConfig): number | undefined {
  const arity: unknown = treeCellOf(cell).arity?.(cell.config);
  if (arity !== undefined) expectPlaces(cell.kind, arity);
  return arity as number | undefined;
}

/** What a cell is given in the place of the nodes of a level. */
interface Placeholders {
  readonly x: Value;
  /** By state, then by place. */
  readonly children: readonly (readonly Value[])[];
  readonly parents: Value | undefined;
}

function nodesOfLevel(names: readonly string[], { x, children, parents }: Placeholders): TreeNodes {
  const [level] = x.type.shape as [Dim];
  const withParents = (what: string): Value => {
    if (parents === undefined)
      throw new ConfigError(`${what} is for cells without arity; with arity, children has an entry for each position`);
    return parents;
  };
  return {
    x,
    children: (children[0] as readonly Value[]).map((_, place) =>
      Object.fromEntries(names.map((name, s) => [name, children[s]?.[place] as Value])),
    ),
    sum: (ofChildren) => scatterAdd(withParents("sum"), ofChildren, level),
    ofParent: (ofNodes) => gather(ofNodes, withParents("ofParent")),
  };
}

export const treeRnnLayer: LayerDefinition<TreeRnnConfig> = {
  trees: treeReader,
  passes: () => [hoistTrees, joinPads],
  arity: placesOf,
  parse(options, owner, known) {
    const read = new OptionReader(owner, options, ["cell", "returnSequences"]);
    const { cell } = options as { readonly cell?: unknown };
    return {
      cell: parseCell(`${owner}: cell`, cell, known, ofTrees),
      returnSequences: read.boolean("returnSequences", false),
    };
  },
  takes: TAKES,
  outputs: ({ returnSequences }, inputs) =>
    inputs.join() === "sequence" ? [returnSequences ? "sequence" : "features"] : undefined,
  build(context, config, [input]) {
    const flow = input as Flow;
    const { values } = flow;
    const tree = expectTree(flow);
    const { cell, returnSequences } = config;
    const definition = treeCellOf(cell);
    const { states: names } = definition;
    const arity = placesOf(config);
    const [time, batch] = values.type.shape as [Dim, Dim];
    const states = toldOf(`its cell ${cell.kind}`, () => {
      const sizes = definition.sizes(cell.config);
      const { carry: _, ...own } = context;
      const { context: checked, asked } = watched(own);
      const built: BuiltTreeCell = definition.build(checked, cell.config, { features: featuresOf(flow), batch });
      if (!isRecord(built) || typeof built.node !== "function")
        throw new ConfigError(`build must give { node }, got ${shown(built)}`);
      expectKeys("what build gives", built, ["prepare", "node"] satisfies readonly (keyof BuiltTreeCell)[]);
      const read = built.prepare ? expectValue("what prepare gives", built.prepare(values), undefined) : values;
      const [steps, rows, ...rest] = read.type.shape;
      if (steps !== time || rows !== batch)
        throw new ShapeError(
          `what prepare gives must begin with ${showShape([time, batch])}, it is ${showType(read.type)}`,
        );

      const dims = levelDims(tree.nodes.type.shape[0] as Dim);
      const shapeOf = (name: string): Shape => [
        arity === undefined ? dims.children : dims.level,
        sizes[name] as number,
      ];
      const placeholders: Placeholders = {
        x: parameter("x", read.type.dtype, [dims.level, ...rest]),
        children: names.map((name) =>
          Array.from({ length: arity ?? 1 }, () => parameter(name, "float32", shapeOf(name))),
        ),
        parents: arity === undefined ? parameter("parents", "int32", [dims.children]) : undefined,
      };
      const listed = ({ x, children, parents }: Placeholders): Value[] => [
        x,
        ...children.flat(),
        ...(parents ? [parents] : []),
      ];
      const after: unknown = built.node(nodesOfLevel(names, placeholders));
      if (!isRecord(after) || !isRecord(after.states))
        throw new ConfigError(`node must give { states: { ${names.join(", ")} } }, got ${shown(after)}`);
      expectKeys("what node gives", after, ["states"]);
      const { states: given } = after;
      expectKeys("the states that node gives", given, names);
      const results = names.map((name) =>
        expectValue(`the state ${name} that node gives`, given[name], [dims.level, sizes[name] as number]),
      );

      const known = [values, ...(flow.lengths ? [flow.lengths] : []), ...Object.values(tree)].map(({ node }) => node);
      const inside = listed(placeholders);
      expectOwn([read, ...results], [...known, ...asked, ...inside.map(({ node }) => node)]);
      const changing: readonly Dim[] = [dims.level, dims.children];
      const constants = outsideOf(results, inside, [...known, ...asked], ({ outputs }) =>
        outputs.some(({ shape }) => shape.some((dim) => changing.includes(dim))),
      );
      return treeRecur({
        tree,
        sequences: [read],
        constants,
        states: names.map((name) => [sizes[name] as number]),
        arity,
        body: ({ children, slices: [x], parents, constants: fixed }) =>
          substitute(results, [...inside, ...constants], [...listed({ x: x as Value, children, parents }), ...fixed]),
      });
    });
    const nodes: Flow = { ...flow, values: states[0] as Value };
    return returnSequences ? [nodes] : lastStep.build(context, {}, [nodes]);
  },
};

/** Options of `treeRnn`. */
export interface TreeRnnOptions {
  /** Whether to return the first state of every node instead of only that of the root. Default false. */
  readonly returnSequences?: boolean;
  readonly name?: string;
}

/**
 * Runs a tree cell of `defineTreeCell` over the nodes of trees, from the leaves up: [batch, nodes, features] → [batch, size], the first state of the root, or with
 * `returnSequences` [batch, nodes, size], the first state of every node.
 *
 * @throws ConfigError where the cell is not one of trees; ShapeError where the input has no trees
 * @example const h = treeRnn(sumTree({ units: 8 }), { returnSequences: true })(x);
 */
export function treeRnn(
  cell: Cell,
  options: TreeRnnOptions & { readonly returnSequences: true },
): TreeLayer<"sequence">;
export function treeRnn(
  cell: Cell,
  options?: TreeRnnOptions & { readonly returnSequences?: false },
): TreeLayer<"features">;
export function treeRnn(cell: Cell, options?: TreeRnnOptions): TreeLayer<"sequence" | "features">;
export function treeRnn(cell: Cell, options: TreeRnnOptions = {}): AnyLayer {
  if (!isRecord(options)) throw new ConfigError(`treeRnn takes a cell and an object of options, got ${shown(options)}`);
  return createLayer("treeRnn", treeRnnLayer, { ...options, cell } as { readonly name?: string });
}
