/** Hoisting: products in a scan that no step has to wait for are made for all steps at once, before it or after it. What nothing reads is not made. */
import { apply, apply1 } from "../ir/build/apply.ts";
import { add } from "../ir/build/elementwise.ts";
import { broadcast, transpose } from "../ir/build/shape.ts";
import { parameter } from "../ir/build/source.ts";
import { isElementwise, type OpAttrs, type OpName } from "../ir/ops.ts";
import { mapGraph, type Pass, rewrite, rewriteBody, substitute } from "../ir/rewrite.ts";
import { type AnyNode, type Dim, type Node, nodesOf, type Value } from "../ir/value.ts";
import { keepProducts } from "./keepProducts.ts";

type Axes = readonly number[];
type Side = 0 | 1;
type DotNode = Node<"dot"> & AnyNode;
type ScatterNode = Node<"scatterAdd"> & AnyNode;

const isDot = (node: AnyNode): node is DotNode => node.op === "dot";
const isScatter = (node: AnyNode): node is ScatterNode => node.op === "scatterAdd";

/** `x` [time, …] with time before what is its axis `at` without time. */
function timeAt(x: Value, at: number): Value {
  if (at === 0) return x;
  const axes = x.type.shape.map((_, axis) => axis);
  return transpose(x, [...axes.slice(1, at + 1), 0, ...axes.slice(at + 1)]);
}

/** Where axes lie once time stands before the one of `at`. */
const past = (axes: Axes, at: number): number[] => axes.map((axis) => (axis < at ? axis : axis + 1));

const withSide = (pair: readonly [Axes, Axes], side: Side, axes: Axes): readonly [Axes, Axes] =>
  side === 0 ? [axes, pair[1]] : [pair[0], axes];

/** The product of each step, [time, …], where the operand on one side has a time axis, the first. Among free axes it stays beside the others. */
function dotOfSteps({ attrs, inputs }: DotNode, operands: readonly [Value, Value], side: Side): Value {
  const { batch, contract } = attrs;
  const freeOf = (of: Side): number[] =>
    (inputs[of] as Value).type.shape.flatMap((_, axis) =>
      batch[of].includes(axis) || contract[of].includes(axis) ? [] : [axis],
    );
  const [at = 0] = freeOf(side);
  const moved = timeAt(operands[side], at);
  const product = apply1("dot", side === 0 ? [moved, operands[1]] : [operands[0], moved], {
    batch: withSide(batch, side, past(batch[side], at)),
    contract: withSide(contract, side, past(contract[side], at)),
  });
  const before = batch[0].length + (side === 0 ? 0 : freeOf(0).length);
  const axes = product.type.shape.map((_, axis) => axis);
  return before === 0 ? product : transpose(product, [before, ...axes.filter((axis) => axis !== before)]);
}

/** The sum over all steps of the product of each, where both operands have a time axis: it is contracted before the others. */
function dotOverSteps({ attrs }: DotNode, operands: readonly [Value, Value]): Value {
  const { batch, contract } = attrs;
  const at = [contract[0][0] ?? 0, contract[1][0] ?? 0] as const;
  return apply1("dot", [timeAt(operands[0], at[0]), timeAt(operands[1], at[1])], {
    batch: [past(batch[0], at[0]), past(batch[1], at[1])],
    contract: [
      [at[0], ...past(contract[0], at[0])],
      [at[1], ...past(contract[1], at[1])],
    ],
  });
}

/** What the steps add up: each a product, or rows added to those of a table, with its axes in another order where there are some. */
interface Term {
  readonly node: DotNode | ScatterNode;
  readonly permutation: Axes | undefined;
}

/** The term that ends with `node`, if that is one. */
function termOf(node: AnyNode): Term | undefined {
  const { node: source } = node.op === "transpose" ? (node.inputs[0] as Value) : { node };
  if (!isDot(source) && !isScatter(source)) return undefined;
  return { node: source, permutation: node.op === "transpose" ? node.attrs.permutation : undefined };
}

function overSteps({ node, permutation }: Term, operands: readonly [Value, Value]): Value {
  const total = isScatter(node) ? apply1("scatterAdd", operands, node.attrs) : dotOverSteps(node, operands);
  return permutation ? transpose(total, permutation) : total;
}

const next = ({ axis, ...rest }: { readonly axis: number }) => ({ ...rest, axis: axis + 1 });

/** Ops of one operand over all steps at once: their attributes where a time axis comes first. */
const overTime: { readonly [O in OpName]?: (attrs: OpAttrs[O], time: Dim) => OpAttrs[O] } = {
  reshape: ({ shape }, time) => ({ shape: [time, ...shape] }),
  transpose: ({ permutation }) => ({ permutation: [0, ...permutation.map((axis) => axis + 1)] }),
  broadcast: ({ shape, axes }, time) => ({ shape: [time, ...shape], axes: [0, ...axes.map((axis) => axis + 1)] }),
  slice: (attrs) => next(attrs) as OpAttrs["slice"],
};

/** A parameter of a body, and the value that it stands for. */
interface Given {
  readonly inside: Value;
  readonly outside: Value;
}

/** A value of all steps, from what the new scan gives of each. */
type Made = (outputs: readonly Value[]) => Value;

/** What the values of a body depend on. */
type Dependence = "constants" | "slices" | "carries";

/** One scan, and what of it may be made outside. */
class Hoisting {
  readonly #node: Node<"scan"> & AnyNode;
  readonly #inputs: readonly Value[];
  readonly #isRead: (output: number) => boolean;
  readonly #time: Dim;
  readonly #dependence = new Map<AnyNode, Dependence>();
  readonly #readers = new Map<AnyNode, number>();
  readonly #lifted = new Map<AnyNode, Value | undefined>();
  /** Products that are sequences now, by the nodes that they were. */
  readonly #products = new Map<AnyNode, Given>();
  /** What the new scan gives of each step. */
  readonly #outputs: Value[] = [];

  constructor(node: Node<"scan"> & AnyNode, inputs: readonly Value[], isRead: (output: number) => boolean) {
    const { body, carries, sequences } = node.attrs;
    this.#node = node;
    this.#inputs = inputs;
    this.#isRead = isRead;
    this.#time = inputs[carries]?.type.shape[0] as Dim;
    body.parameters.forEach((each, i) => {
      this.#dependence.set(each.node, i < carries ? "carries" : i < carries + sequences ? "slices" : "constants");
    });
    const results = body.results.filter((_, k) => k < carries || isRead(k));
    const nodes = nodesOf(results);
    const read = [...results, ...nodes.flatMap((each) => each.inputs)];
    for (const { node: each } of read) this.#readers.set(each, (this.#readers.get(each) ?? 0) + 1);
    for (const each of nodes) {
      if (this.#dependence.has(each)) continue;
      const all = each.inputs.map((input) => this.#of(input));
      const found = (["carries", "slices"] as const).find((kind) => all.includes(kind));
      this.#dependence.set(each, found ?? "constants");
    }
  }

  /** The outputs of the scan that are read, without what was hoisted, or undefined where nothing was. */
  run(): readonly Value[] | undefined {
    const { body, carries } = this.#node.attrs;
    const { results } = body;
    const steps = results.length - carries;
    const outputs: Value[] = [];
    /** Outputs are known once there is a new scan. */
    const later: ((made: readonly Value[]) => void)[] = [];
    const kept: number[] = [];
    for (let k = 0; k < carries; k++) {
      const terms = this.#isRead(carries + steps + k) ? undefined : this.#summed(k);
      if (terms === undefined) kept.push(k);
      else {
        const operands = terms.map(({ node }) => node.inputs.map((operand) => this.#ofAllSteps(operand)));
        later.push((made) => {
          const products = terms.map((term, i) =>
            overSteps(term, (operands[i] as Made[]).map((operand) => operand(made)) as [Value, Value]),
          );
          outputs[k] = products.reduce(add, this.#inputs[k] as Value);
        });
      }
    }
    let found = kept.length < carries;
    for (let k = carries; k < carries + steps; k++) {
      if (!this.#isRead(k)) {
        found = true;
        continue;
      }
      const result = results[k] as Value;
      const product = this.#readers.get(result.node) === 1 ? this.#waitsForNone(result.node) : undefined;
      found ||= product !== undefined;
      const made = product ?? this.#stacked(result);
      later.push((values) => {
        outputs[k] = made(values);
      });
    }
    const next = kept.map((k) => results[k] as Value);
    for (const value of nodesOf([...next, ...this.#outputs])) this.#liftProduct(value);
    if (!found && this.#products.size === 0) return undefined;

    const all = rewrite([...next, ...this.#outputs], (each) => {
      const product = this.#products.get(each);
      return product && [product.inside];
    });
    const scan = all.length > 0 ? this.#scan(kept, all) : [];
    kept.forEach((k, i) => {
      outputs[k] = scan[i] as Value;
      outputs[carries + steps + k] = scan[all.length + i] as Value;
    });
    for (const fill of later) fill(scan.slice(kept.length, all.length));
    return outputs;
  }

  /** The scan of what is left of the body, which is given what that reads. */
  #scan(kept: readonly number[], results: readonly Value[]): Value[] {
    const { body, carries, sequences, reverse } = this.#node.attrs;
    const reached = new Set(nodesOf(results));
    const read = (low: number, high?: number) =>
      body.parameters
        .map((inside, i) => ({ inside, outside: this.#inputs[i] as Value }))
        .slice(low, high)
        .filter(({ inside }) => reached.has(inside.node));
    const made = [...this.#products.values()].filter(({ inside }) => reached.has(inside.node));
    const slices = [...read(carries, carries + sequences), ...made];
    // Some sequence tells how many steps there are.
    if (slices.length === 0)
      slices.push({ inside: body.parameters[carries] as Value, outside: this.#inputs[carries] as Value });
    const initial = kept.map((k) => ({ inside: body.parameters[k] as Value, outside: this.#inputs[k] as Value }));
    const all = [...initial, ...slices, ...read(carries + sequences)];
    const inputs = all.map(({ outside }) => outside);
    const parameters = all.map(({ inside }) => inside);
    return apply("scan", inputs, {
      body: { parameters, results },
      carries: initial.length,
      sequences: slices.length,
      reverse,
    });
  }

  #of(value: Value): Dependence {
    return this.#dependence.get(value.node) as Dependence;
  }

  /** The products, or rows of a table, that a carry adds up, where it does nothing else. */
  #summed(k: number): readonly Term[] | undefined {
    const { body } = this.#node.attrs;
    const own = (body.parameters[k] as Value).node;
    const terms: AnyNode[] = [];
    const collect = ({ node }: Value): void => {
      if (node.op === "add" && this.#readers.get(node) === 1) for (const input of node.inputs) collect(input);
      else terms.push(node);
    };
    if (this.#readers.get(own) !== 1) return undefined;
    collect(body.results[k] as Value);
    const products = terms.flatMap((node) => {
      const term = termOf(node);
      return term?.node.inputs.every((input) => this.#of(input) !== "constants") ? [term] : [];
    });
    return terms.includes(own) && products.length > 0 && products.length === terms.length - 1 ? products : undefined;
  }

  /** A result of each step that is a product with something that is the same in all of them. */
  #waitsForNone(node: AnyNode): Made | undefined {
    if (!isDot(node)) return undefined;
    const side = this.#varyingSide(node);
    if (side === undefined) return undefined;
    const varying = this.#ofAllSteps(node.inputs[side] as Value);
    const other = this.#outside(node.inputs[1 - side] as Value);
    return (made) => dotOfSteps(node, side === 0 ? [varying(made), other] : [other, varying(made)], side);
  }

  /** Of a product with one operand that is the same in all steps, the side of the other. */
  #varyingSide({ inputs }: DotNode): Side | undefined {
    const varying = inputs.map((input) => this.#of(input) !== "constants");
    return varying[0] === varying[1] ? undefined : varying[0] ? 0 : 1;
  }

  /** A product of slices alone becomes a sequence. */
  #liftProduct(node: AnyNode): void {
    if (!isDot(node) || this.#dependence.get(node) !== "slices") return;
    const [type] = node.outputs;
    const outside = this.#lift({ node, output: 0, type: type as Value["type"] });
    if (outside === undefined || type === undefined) return;
    this.#products.set(node, { inside: parameter("product", type.dtype, type.shape), outside });
  }

  /** A value of all steps, [time, …], made before the scan, or by it. */
  #ofAllSteps(value: Value): Made {
    const lifted = this.#lift(value);
    return lifted ? () => lifted : this.#stacked(value);
  }

  #stacked(value: Value): Made {
    const known = this.#outputs.findIndex(({ node, output }) => node === value.node && output === value.output);
    const at = known >= 0 ? known : this.#outputs.push(value) - 1;
    return (made) => made[at] as Value;
  }

  /** What depends on slices alone, for all steps at once: [time, …]. Undefined where that is not known of an op. */
  #lift(value: Value): Value | undefined {
    if (this.#of(value) !== "slices" || value.output !== 0) return undefined;
    if (!this.#lifted.has(value.node)) this.#lifted.set(value.node, this.#liftNode(value.node));
    return this.#lifted.get(value.node);
  }

  #liftNode(node: AnyNode): Value | undefined {
    const own = this.#node.attrs.body.parameters.findIndex((each) => each.node === node);
    if (own >= 0) return this.#inputs[own];
    if (isDot(node)) {
      const side = this.#varyingSide(node);
      const varying = side === undefined ? undefined : this.#lift(node.inputs[side] as Value);
      if (side === undefined || varying === undefined) return undefined;
      const other = this.#outside(node.inputs[1 - side] as Value);
      return dotOfSteps(node, side === 0 ? [varying, other] : [other, varying], side);
    }
    const attrs = overTime[node.op] as ((attrs: unknown, time: Dim) => OpAttrs[OpName]) | undefined;
    if (!attrs && !isElementwise(node.op)) return undefined;
    const inputs = node.inputs.map((input) => this.#lift(input) ?? this.#sameInAll(input));
    if (inputs.includes(undefined)) return undefined;
    return apply1(node.op, inputs as Value[], (attrs?.(node.attrs, this.#time) ?? node.attrs) as never);
  }

  /** What is the same in all steps, with a time axis. */
  #sameInAll(value: Value): Value | undefined {
    if (this.#of(value) !== "constants") return undefined;
    const { shape } = value.type;
    return broadcast(
      this.#outside(value),
      [this.#time, ...shape],
      shape.map((_, axis) => axis + 1),
    );
  }

  /** What is the same in all steps, outside of them. */
  #outside(value: Value): Value {
    return substitute([value], this.#node.attrs.body.parameters, this.#inputs)[0] as Value;
  }
}

function hoistRoots(given: readonly Value[]): Value[] {
  const roots = keepProducts(given);
  const read = new Map<AnyNode, Set<number>>();
  for (const { node, output } of [...roots, ...nodesOf(roots).flatMap(({ inputs }) => inputs)])
    read.set(node, (read.get(node) ?? new Set()).add(output));
  return rewrite(roots, (node, inputs) => {
    if (node.op !== "scan") return rewriteBody(node, inputs, hoistRoots);
    const { body } = node.attrs;
    const results = hoistRoots(body.results);
    const inner = { ...node, attrs: { ...node.attrs, body: { parameters: body.parameters, results } } };
    const hoisted = new Hoisting(inner, inputs, (output) => read.get(node)?.has(output) === true).run();
    if (hoisted) return hoisted;
    return results.every((result, i) => result === body.results[i]) ? undefined : apply("scan", inputs, inner.attrs);
  });
}

/**
 * `graph` with products out of the bodies of scans: of slices and constants before the scan, of a step's result and constants after it, and the sum of
 * products that a carry adds up, as the gradient of a weight does, as one product over all steps; so with rows that are added to a table's. Products that the gradient of a scan would make again are kept from the scan. Outputs that nothing reads are left out.
 */
export const hoist: Pass = (graph) => mapGraph(graph, hoistRoots);
