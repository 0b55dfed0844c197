/** The layer `rnn`: runs cells of anybody's over the steps of each row. */
import { ConfigError, ShapeError } from "../../errors.ts";
import { broadcastTo } from "../../ir/build/shape.ts";
import { full, parameter } from "../../ir/build/source.ts";
import { substitute } from "../../ir/rewrite.ts";
import { type Dim, sameShape, showShape, showType, type Value } from "../../ir/value.ts";
import { hoist } from "../../recurrent/hoist.ts";
import { joinPads } from "../../recurrent/joinPads.ts";
import { scan } from "../../recurrent/scan.ts";
import type { Flow } from "../kinds.ts";
import type { AnyLayer, BuildContext, LayerDefinition } from "../layer.ts";
import { createLayer } from "../make.ts";
import { expectKeys, isRecord, shown } from "../options.ts";
import { outsideOf } from "../outside.ts";
import { expectOwn, expectValue, watched } from "../results.ts";
import { toldOf, within } from "../wrapping.ts";
import { type BuiltCell, type Cell, type CellResult, cellOf, parseCell } from "./cell.ts";
import type { RecurrentLayer, SequenceOrFeatures, StatefulLayer } from "./layer.ts";
import { carryOf, readStateful, recurrenceReader } from "./options.ts";

export type RnnConfig = {
  /** One cell, or several, each of which reads what the one before gives. */
  readonly cell: Cell | readonly Cell[];
  readonly returnSequences: boolean;
  readonly returnState: boolean;
  readonly reverse: boolean;
  readonly stateful: boolean;
};

const cellsOf = ({ cell }: RnnConfig): readonly Cell[] => (Array.isArray(cell) ? cell : [cell as Cell]);

/** The states of all cells; those of several have the number of their cell in their names. */
const statesOf = (config: RnnConfig): readonly string[] =>
  cellsOf(config).flatMap((cell, i, { length }) =>
    cellOf(cell).states.map((state) => (length === 1 ? state : `${i} ${state}`)),
  );

/** What an output that is no state is called where it goes on; no state has such a name. */
const LAST_OUTPUT = "last/output";

interface Run {
  readonly output: Value;
  readonly states: readonly Value[];
}

/** One cell over a sequence. `output` is [time, batch, size], or with `last` that of each row's last step. */
function run(
  context: BuildContext,
  cell: Cell,
  { values, lengths }: Flow,
  initial: readonly Value[],
  { reverse, last }: { readonly reverse: boolean; readonly last: boolean },
): Run {
  const definition = cellOf(cell);
  const { states: names } = definition;
  const sizes = definition.sizes(cell.config);
  const batch = values.type.shape[1] as Dim;
  const features = values.type.shape[2] as number;
  const { carry, ...own } = context;
  const { context: checked, asked } = watched(own);
  const built: BuiltCell = definition.build(checked, cell.config, { features, batch });
  if (!isRecord(built) || typeof built.step !== "function")
    throw new ConfigError(`build must give { step }, got ${shown(built)}`);
  expectKeys("what build gives", built, ["prepare", "initial", "step"] satisfies readonly (keyof BuiltCell)[]);
  if (built.initial !== undefined) {
    if (!isRecord(built.initial))
      throw new ConfigError(`initial must be { ${names.join(", ")} } or some of them, got ${shown(built.initial)}`);
    expectKeys("initial", built.initial, names);
  }

  const read = built.prepare ? expectValue("what prepare gives", built.prepare(values), undefined) : values;
  const [time, rows, ...rest] = read.type.shape;
  if (time !== values.type.shape[0] || rows !== batch)
    throw new ShapeError(
      `what prepare gives must begin with ${showShape(values.type.shape.slice(0, 2))}, it is ${showType(read.type)}`,
    );
  const given = names.map((name, i) => {
    const shape = [batch, sizes[name] as number];
    const state = initial[i];
    if (state === undefined) {
      const own = built.initial?.[name];
      return own && broadcastTo(expectValue(`initial ${name}`, own, undefined), shape);
    }
    if (!sameShape(state.type.shape, shape))
      throw new ShapeError(
        `initialState ${name} must be ${showShape(shape)}, it was given ${showShape(state.type.shape)}`,
      );
    return state;
  });

  const begin = (name: string, size: number, value?: Value): Value =>
    carry ? carry.begin(name, size, value) : (value ?? full(0, [batch, size]));
  const started = names.map((name, i) => begin(name, sizes[name] as number, given[i]));
  const x = parameter("x", read.type.dtype, [batch, ...rest]);
  const before = started.map(({ type }, i) => parameter(names[i] as string, type.dtype, type.shape));
  const after: unknown = built.step({
    x,
    states: Object.fromEntries(names.map((name, i) => [name, before[i] as Value])),
  });
  if (!isRecord(after) || !isRecord(after.states))
    throw new ConfigError(`step must give { states: { ${names.join(", ")} } }, got ${shown(after)}`);
  expectKeys("what step gives", after, ["states", "output"] satisfies readonly (keyof CellResult)[]);
  const { states, output } = after;
  expectKeys("the states that step gives", states, names);
  const next = names.map((name, i) =>
    expectValue(`the state ${name} that step gives`, states[name], before[i]?.type.shape),
  );
  const y = output === undefined ? (next[0] as Value) : expectValue("the output that step gives", output, undefined);
  const size = y.type.shape[1];
  if (y.type.shape.length !== 2 || y.type.shape[0] !== batch || typeof size !== "number")
    throw new ShapeError(`the output that step gives must be [${batch}, features], it is ${showType(y.type)}`);

  // An output that is no state is carried to the last step, beginning with zeros for rows without any.
  const carriesOutput = last && output !== undefined;
  const results = [...next, y];
  const placeholders = [x, ...before];
  const known = [values, ...(lengths ? [lengths] : []), ...initial].map(({ node }) => node);
  expectOwn(
    [read, ...given.filter((value) => value !== undefined), ...results],
    [...known, ...asked, ...placeholders.map(({ node }) => node)],
  );
  const constants = outsideOf(results, placeholders, [...known, ...asked]);
  const { carries, outputs } = scan({
    initial: carriesOutput ? [...started, begin(LAST_OUTPUT, size)] : started,
    sequences: [read],
    constants,
    reverse,
    ...(lengths ? { lengths } : {}),
    body(states, slices, fixed) {
      const here = [...slices, ...states.slice(0, names.length), ...fixed];
      const inside = substitute(results, [...placeholders, ...constants], here);
      const own = inside.slice(0, names.length);
      return { carries: carriesOutput ? inside : own, outputs: last ? [] : inside.slice(names.length) };
    },
  });
  carries.forEach((state, i) => {
    carry?.end(names[i] ?? LAST_OUTPUT, state);
  });
  const result = last ? carries[carriesOutput ? names.length : 0] : outputs[0];
  return { output: result as Value, states: carries.slice(0, names.length) };
}

export const rnnLayer: LayerDefinition<RnnConfig> = {
  passes: () => [hoist, joinPads],
  recurrence: true,
  parse(options, owner, known) {
    const read = recurrenceReader(owner, options, ["cell", "returnSequences", "returnState", "reverse", "stateful"]);
    const { cell } = options as { readonly cell?: unknown };
    if (Array.isArray(cell) && cell.length === 0)
      throw new ConfigError(`${owner}: cell must be a cell, or a list of at least one`);
    return {
      cell: Array.isArray(cell)
        ? cell.map((one, i) => parseCell(`${owner}: cell ${i}`, one, known))
        : parseCell(`${owner}: cell`, cell, known),
      returnSequences: read.boolean("returnSequences", false),
      returnState: read.boolean("returnState", false),
      reverse: read.boolean("reverse", false),
      stateful: readStateful(read, owner, read.boolean("reverse", false)),
    };
  },
  states: statesOf,
  takes:
    "a sequence [batch, time, features]; give the recurrence before it returnSequences: true, or put an embedding first",
  outputs(config, [input, ...initial]) {
    const states = statesOf(config).map(() => "features" as const);
    if (input !== "sequence" || (initial.length > 0 && initial.join() !== states.join())) return undefined;
    const output = config.returnSequences ? "sequence" : "features";
    return config.returnState ? [output, ...states] : [output];
  },
  build(context, config, [input, ...initial]) {
    const { returnSequences, returnState, reverse, stateful } = config;
    const carry = carryOf(context, stateful);
    const { carry: _, ...anew } = context;
    const own: BuildContext = carry ? context : anew;
    const cells = cellsOf(config);
    const states: Value[] = [];
    let flow = input as Flow;
    cells.forEach((cell, i) => {
      const begun = initial.slice(states.length, states.length + cellOf(cell).states.length);
      const last = !returnSequences && i === cells.length - 1;
      const result = toldOf(`its cell ${cell.kind}`, () =>
        run(
          cells.length === 1 ? own : within(own, String(i)),
          cell,
          flow,
          begun.map(({ values }) => values),
          { reverse, last },
        ),
      );
      states.push(...result.states);
      flow = last ? { kind: "features", values: result.output } : { ...flow, values: result.output };
    });
    return returnState ? [flow, ...states.map((values): Flow => ({ kind: "features", values }))] : [flow];
  },
};

/** Options of `rnn`. */
export interface RnnOptions {
  /** What comes out at every step, instead of the last alone. Default false. */
  readonly returnSequences?: boolean;
  /** The states at the end of each row follow the output. Default false. */
  readonly returnState?: boolean;
  /** It reads from the end of each row to its start; outputs stay in their places. Default false. */
  readonly reverse?: boolean;
  /** Each row begins with the states at the end of that row in the batch before; see `lstm`. Default false. */
  readonly stateful?: boolean;
  readonly name?: string;
}

/** The names of the states of cells, one after another. */
type StatesOf<C> = C extends readonly [Cell<infer S>, ...infer Rest]
  ? readonly [...S, ...StatesOf<Rest>]
  : C extends Cell<infer S>
    ? S
    : readonly [];

type Cells = Cell | readonly [Cell, ...Cell[]];

/**
 * Runs a cell over the steps of each row (Keras's `RNN`): [batch, time, features] → [batch, size], what comes out of the last step of the row, or with
 * `returnSequences` [batch, time, size]. With `returnState` the states at the end follow, each [batch, size]; those that it begins with come with the call,
 * `layer(x, { initialState: [h] })`, by default zeros. Lengths count as in the other recurrences: a row ends at its own length, outputs behind it are zero.
 * Of a list of cells each reads what the one before gives; their states follow one another.
 *
 * @throws ConfigError where it is given no cell
 * @example
 * const [y, h] = rnn(minGru({ units: 8 }), { returnSequences: true, returnState: true })(x);
 */
export function rnn<const C extends Cells>(
  cell: C,
  options: RnnOptions & { readonly returnSequences: true; readonly returnState: true },
): StatefulLayer<"sequence", StatesOf<C>>;
export function rnn<const C extends Cells>(
  cell: C,
  options: RnnOptions & { readonly returnSequences?: false; readonly returnState: true },
): StatefulLayer<"features", StatesOf<C>>;
export function rnn<const C extends Cells>(
  cell: C,
  options: RnnOptions & { readonly returnSequences: true; readonly returnState?: false },
): RecurrentLayer<"sequence", StatesOf<C>>;
export function rnn<const C extends Cells>(
  cell: C,
  options?: RnnOptions & { readonly returnSequences?: false; readonly returnState?: false },
): RecurrentLayer<"features", StatesOf<C>>;
export function rnn<const C extends Cells>(
  cell: C,
  options: RnnOptions & { readonly returnState: true },
): StatefulLayer<SequenceOrFeatures, StatesOf<C>>;
export function rnn<const C extends Cells>(
  cell: C,
  options: RnnOptions & { readonly returnState?: false },
): RecurrentLayer<SequenceOrFeatures, StatesOf<C>>;
export function rnn(cell: Cells, options: RnnOptions = {}): AnyLayer {
  if (!isRecord(options)) throw new ConfigError(`rnn takes a cell and an object of options, got ${shown(options)}`);
  return createLayer("rnn", rnnLayer, { ...options, cell } as { readonly name?: string });
}
