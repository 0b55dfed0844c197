/** The output types of `treeRecur` and `treeRecurGrad`. */
import { DTypeError, ShapeError } from "../errors.ts";
import { levelDims } from "./forest.ts";
import { forestInputs, type OpAttrs, ops } from "./ops.ts";
import { bodyOf } from "./structured.ts";
import { type Dim, type DType, nodesOf, type Shape, sameShape, showType, type ValueType } from "./value.ts";

type TreeName = "treeRecur" | "treeRecurGrad";

function expect(what: string, type: ValueType | undefined, shape: Shape, dtype: DType = "float32"): ValueType {
  const wanted: ValueType = { dtype, shape };
  if (type === undefined) throw new ShapeError(`${what} is missing: ${showType(wanted)}`);
  if (type.dtype !== dtype) throw new DTypeError(`${what} must be ${showType(wanted)}, got ${showType(type)}`);
  if (!sameShape(type.shape, shape)) throw new ShapeError(`${what} must be ${showType(wanted)}, got ${showType(type)}`);
  return type;
}

/** What an op on trees is given, and its body must be. */
interface Inferred {
  /** [time, batch, …] for each state. */
  readonly states: readonly ValueType[];
  /** Of the body: the results that are states, or the cotangents of children; and those behind them. */
  readonly rest: readonly ValueType[];
  /** Of a node in all places: [level, …] as [time, batch, …]. */
  readonly everywhere: (what: string, type: ValueType) => ValueType;
  readonly constants: readonly ValueType[];
}

function infer(op: TreeName, inputs: readonly ValueType[], attrs: OpAttrs["treeRecur"], ofGradient: boolean): Inferred {
  const { body, states: count, sequences, arity } = attrs;
  for (const [name, value] of Object.entries({ states: count, sequences, arity: arity ?? 1 }))
    if (!Number.isInteger(value) || value < 1) throw new ShapeError(`${op}: ${name} must be 1 or more, got ${value}`);
  const [nodes, , levels] = inputs.map(({ shape }) => shape[0] as Dim);
  if (nodes === undefined || levels === undefined) throw new ShapeError(`${op} takes nodes, edges and levels first`);
  expect(`${op}: nodes`, inputs[0], [nodes, 2], "int32");
  expect(`${op}: edges`, inputs[1], [nodes, 3], "int32");
  expect(`${op}: levels`, inputs[2], [levels, 2], "int32");
  if (nodesOf(body.results).some((node) => bodyOf(node) && ops[node.op].readsOutputs))
    throw new ShapeError(`${op}: its body goes over trees itself`);

  const before = forestInputs + (ofGradient ? 2 * count : 0);
  const read = inputs.slice(before, before + sequences);
  const constants = inputs.slice(before + sequences);
  const [time, batch] = read[0]?.shape ?? [];
  if (read.length < sequences || time === undefined || batch === undefined)
    throw new ShapeError(`${op} takes ${sequences} sequences [time, batch, …], got ${read.map(showType).join(", ")}`);
  const own = (ofGradient ? count : 0) + count * (arity ?? 1) + sequences + (arity === undefined ? 1 : 0);
  if (own + constants.length !== body.parameters.length)
    throw new ShapeError(
      `${op}: the body must have ${own + constants.length} parameters, it has ${body.parameters.length}`,
    );
  const { level, children } = levelDims(nodes);
  // It would be computed before the op, where a level has no size.
  const moving = constants.findIndex(({ shape }) => shape.includes(level) || shape.includes(children));
  if (moving >= 0)
    throw new ShapeError(
      `${op}: constant ${moving} is ${showType(constants[moving] as ValueType)}, which changes from level to level; compute it in the body`,
    );
  const overLevel = (type: ValueType): Shape => [level, ...type.shape.slice(2)];
  const everywhere = (what: string, { dtype, shape }: ValueType): ValueType => ({
    dtype: expect(`${op}: ${what}`, { dtype, shape }, [level, ...shape.slice(1)]).dtype,
    shape: [time, batch, ...shape.slice(1)],
  });

  const results = body.results.map(({ type }) => type);
  const states = ofGradient
    ? inputs.slice(forestInputs, forestInputs + count)
    : results.map((type, s) => everywhere(`state ${s} of the body`, type));
  if (states.length !== count)
    throw new ShapeError(`${op}: the body gives ${states.length} states instead of ${count}`);
  const ofChildren = states.flatMap((type): ValueType[] => {
    const shape = type.shape.slice(2);
    return arity === undefined
      ? [{ dtype: "float32", shape: [children, ...shape] }]
      : Array.from({ length: arity }, () => ({ dtype: "float32", shape: [level, ...shape] }));
  });
  const cotangents = ofGradient ? inputs.slice(forestInputs + count, before) : [];
  states.forEach((type, s) => {
    const shape = [time, batch, ...type.shape.slice(2)];
    expect(`${op}: state ${s}`, type, shape);
    if (ofGradient) expect(`${op}: the cotangent of state ${s}`, cotangents[s], shape);
  });
  const slices = read.map((type, i): ValueType => {
    expect(`${op}: sequence ${i}`, type, [time, batch, ...type.shape.slice(2)], type.dtype);
    return { dtype: type.dtype, shape: overLevel(type) };
  });
  const parameters: readonly ValueType[] = [
    ...cotangents.map((type): ValueType => ({ dtype: "float32", shape: overLevel(type) })),
    ...ofChildren,
    ...slices,
    ...(arity === undefined ? [{ dtype: "int32", shape: [children] } as const] : []),
    ...constants,
  ];
  parameters.forEach(({ shape, dtype }, i) => {
    expect(`${op}: parameter ${i} of the body`, body.parameters[i]?.type, shape, dtype);
  });
  if (ofGradient)
    ofChildren.forEach(({ shape }, i) => {
      expect(`${op}: result ${i} of the body, a cotangent of children,`, results[i], shape);
    });
  return { states, rest: results.slice(ofGradient ? ofChildren.length : count), everywhere, constants };
}

/** Each state at each node: [time, batch, …]. */
export function inferTreeRecur(inputs: readonly ValueType[], attrs: OpAttrs["treeRecur"]): ValueType[] {
  return [...infer("treeRecur", inputs, attrs, false).states];
}

/**
 * The whole cotangents of states and the gradients of sequences, [time, batch, …]; what is kept of each node or edge, [nodes, …]; then the gradients of
 * constants.
 */
export function inferTreeRecurGrad(inputs: readonly ValueType[], attrs: OpAttrs["treeRecurGrad"]): ValueType[] {
  const { states, rest, everywhere, constants } = infer("treeRecurGrad", inputs, attrs, true);
  const { slices, rows } = attrs;
  const sums = rest.slice(slices + rows);
  const counts = [slices, rows].every((count) => Number.isInteger(count) && count >= 0);
  if (!counts || slices + rows > rest.length || sums.length > constants.length)
    throw new ShapeError(
      `treeRecurGrad: of ${constants.length} constants, ${slices} slices and ${rows} rows the body gives ${rest.length} values`,
    );
  const nodes = inputs[0]?.shape[0] as Dim;
  const { level, children } = levelDims(nodes);
  const kept = rest.slice(slices, slices + rows).map((type, i): ValueType => {
    const [first, ...others] = type.shape;
    if (first !== children) expect(`treeRecurGrad: row ${i} of the body`, type, [level, ...others]);
    return { dtype: type.dtype, shape: [nodes, ...others] };
  });
  sums.forEach((type, i) => {
    expect(`treeRecurGrad: the gradient ${i} of a constant`, type, type.shape);
    if (type.shape.includes(level) || type.shape.includes(children))
      throw new ShapeError(
        `treeRecurGrad: the gradient ${i} of a constant is ${showType(type)}, which changes from level to level`,
      );
  });
  return [
    ...states,
    ...rest.slice(0, slices).map((type, i) => everywhere(`gradient ${i} of a slice`, type)),
    ...kept,
    ...sums,
  ];
}
