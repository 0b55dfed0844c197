/** The door for losses of one's own: from a definition to the function that makes losses, and back from a trained model to what a loss learned. */
import { ConfigError, DTypeError, ShapeError } from "../../errors.ts";
import type { Dim, Value } from "../../ir/ops.ts";
import { expectParts, type Parts } from "../../nn/define.ts";
import { type Flow, featuresOf } from "../../nn/kinds.ts";
import { expectKeys, isName, isRecord, type Json, NAME_RULE, OptionReader, shown } from "../../nn/options.ts";
import { expectReadAgain, plainCopy } from "../../nn/plain.ts";
import { expectOwn, watched } from "../../nn/results.ts";
import { lossParameter, lossWeights, type Trained, type TrainedLoss } from "../../nn/trained.ts";
import { toldOf } from "../../nn/wrapping.ts";
import type { Float32Tensor } from "../../tensor.ts";
import type { Loss, LossContext } from "./loss.ts";
import { lossKinds } from "./lossKinds.ts";
import { ownTime, type TargetSpec } from "./target.ts";

/** The targets that a loss takes. */
export interface OwnTarget {
  /** float32: numbers, as many as `width` says. int32: one label. */
  readonly dtype: "float32" | "int32";
  /**
   * "output": one for each step of the output where it has time, else one a row. "row": one a row. "own": any number a row, along a time of its own; how many
   * is in `target.lengths` of `build`. Default "output".
   */
  readonly over?: "output" | "row" | "own";
  /** How many numbers a float32 target has at each place. Default: as many as the output has features. */
  readonly width?: number;
  /** Labels are below this, and from 0 on. */
  readonly classes?: number;
  /** A class that no label names, as CTC's blank: nobody is warned that data lacks it. */
  readonly unlabelled?: number;
  /** Numbers must lie within 0 … 1. Default false. */
  readonly probability?: boolean;
  /**
   * What of an output over time has a loss: each of its steps, [time, batch], or each row as a whole, [batch]. Default "step" for targets over the output's time, else
   * "row".
   */
  readonly each?: "step" | "row";
  /**
   * Looks at the target of one row, up to its length, and at how many steps the output has there, before anything runs: what is wrong with it in words, or undefined.
   * The error names the row.
   */
  readonly check?: (row: ArrayLike<number>, steps: number) => string | undefined;
}

/** A target in a graph: time first, [time, batch], where it has time. */
export interface Target {
  /** int32 labels, or float32 with `width` as the last axis. */
  readonly values: Value;
  /** int32 [batch], of a target over a time of its own. */
  readonly lengths?: Value;
}

/** What a loss compares. */
export interface Scored {
  /** [time, batch, features] with the lengths of its rows, int32 [batch], where they have some; or [batch, features]. */
  readonly prediction: Flow;
  readonly target: Target;
}

/** A kind of loss of one's own. `O` are the options of its users, `C` what it makes of them. */
export interface OwnLoss<O, C> {
  /** What files and errors call it: a plain name that no loss of the library has. */
  readonly kind: string;
  /** Checks options and fills in defaults. What it gives is plain data, which files keep and it reads again, making the same of it. Its errors begin with `owner`. */
  parse(options: O, owner: string): C;
  /** The targets it takes for an output. Throws a `ShapeError` where the output cannot have this loss. */
  target(config: C, output: Flow): OwnTarget;
  /**
   * Makes the graph: one float32 number for each step [time, batch], or for each row [batch], as `target` says. What is past a row's length is seldom zeros. For steps it is left
   * out of the mean by itself; a loss of whole rows leaves it out with `sequenceMask`, or goes by `scan` with lengths. Nothing checks that.
   */
  build(context: LossContext, config: C, scored: Scored): Value;
}

/** Makes losses of one kind: `crf({ constraints })`. */
export interface LossMaker<O, C> {
  // biome-ignore lint/complexity/noBannedTypes: whether no option is required
  (...options: {} extends O ? [options?: O] : [options: O]): Loss;
  /** What files call it. */
  readonly kind: string;
  /** Reads options, of users and of files alike. @throws ConfigError that begins with `owner` */
  parse(options: unknown, owner: string): C;
}

const parts: Parts<OwnLoss<never, object>> = { kind: "data", parse: "function", target: "function", build: "function" };

const targetKeys: readonly (keyof OwnTarget)[] = [
  "dtype",
  "over",
  "width",
  "classes",
  "unlabelled",
  "probability",
  "each",
  "check",
];

/** The form of the targets of the output `name`. @throws ConfigError, DTypeError for what is none */
function targetSpecOf(name: string, output: Flow, given: unknown): TargetSpec {
  if (!isRecord(given)) throw new ConfigError(`target must give { dtype: "int32" } or the like, got ${shown(given)}`);
  expectKeys("what target gave", given, targetKeys);
  const read = new OptionReader("target", given, targetKeys);
  const { dtype } = given;
  if (dtype !== "int32" && dtype !== "float32")
    throw new DTypeError(`target must give the dtype "int32" or "float32", got ${shown(dtype)}`);
  const over = read.oneOf("over", ["output", "row", "own"], "output");
  const each = read.oneOf("each", ["step", "row"], over === "output" ? "step" : "row");
  const width = read.integer("width", 1, featuresOf(output));
  read.functions("check");
  const { check } = given as { check?: OwnTarget["check"] };
  const outputTime = output.kind === "features" ? undefined : (output.values.type.shape[0] as Dim);
  const ragged = over === "own";
  const time = ragged ? ownTime(name) : over === "row" ? undefined : outputTime;
  return {
    name,
    dtype,
    shape: ["batch", ...(time === undefined ? [] : [time]), ...(dtype === "float32" ? [width] : [])],
    ...(given.classes === undefined ? {} : { classes: read.integer("classes", 1) }),
    ...(given.unlabelled === undefined ? {} : { unlabelled: read.integer("unlabelled", 0) }),
    probability: read.boolean("probability", false),
    each,
    ragged,
    ...(check ? { check } : {}),
    ...(outputTime === undefined ? {} : { outputTime }),
  };
}

/** A maker of losses that need not be called otherwise than the library's: for these. */
export function makeLosses<O, C extends object>(own: OwnLoss<O, C>): LossMaker<O, C> {
  const { kind } = own;
  const parse = (options: unknown, owner: string): C => {
    const config = plainCopy(owner, own.parse(options as O, owner));
    if (!isRecord(config))
      throw new ConfigError(`${owner}: parse must give an object of options, got ${shown(config)}`);
    return config as C;
  };
  const make = (options?: O): Loss => {
    if (!isRecord(options ?? {})) throw new ConfigError(`${kind} takes an object of options, got ${shown(options)}`);
    const config = parse(options ?? {}, kind);
    expectReadAgain(kind, config as Json, (again) => parse(again, kind));
    return {
      kind,
      options: config as { readonly [name: string]: Json },
      kept: true,
      target: (name, output) =>
        toldOf(`the loss ${kind} of "${name}"`, () => targetSpecOf(name, output, own.target(config, output))),
      perRow: (_prediction, target, { name, output, targetLengths, parameter, mask }) =>
        toldOf(`the loss ${name}`, () => {
          const { context, asked } = watched({ name, parameter, ...(mask ? { mask } : {}) });
          const losses: unknown = own.build(
            { ...context, output, ...(targetLengths ? { targetLengths } : {}) },
            config,
            { prediction: output, target: { values: target, ...(targetLengths ? { lengths: targetLengths } : {}) } },
          );
          // Behind the activation that made the prediction, too: a loss on its input neither overflows nor loses digits.
          const read = [output.values, ...output.values.node.inputs, output.lengths, target, targetLengths];
          const known = [...read.flatMap((value) => (value ? [value.node] : [])), ...asked];
          // What is no value is told by what reads the losses.
          if (isRecord(losses) && isRecord(losses.node)) expectOwn([losses as unknown as Value], known);
          return losses as Value;
        }),
    };
  };
  return Object.assign(make, { kind, parse });
}

/**
 * A loss of one's own that sees lengths, and may have parameters that are trained with the model. They are kept with it: snapshots, files, checkpoints and callbacks have them, and
 * `trainedLoss` finds them again. Prediction and export go without.
 *
 * A loss that needs none of this may as well be a plain object `{ kind, target, perRow }`.
 *
 * @throws ConfigError where the definition is not complete, or its kind is a loss of the library
 *
 * @example
 * // The squared error of each unit, weighed by a precision that is learned: (p - y)² · exp(-s) + s, with s = log σ² (Kendall and Gal 2017).
 * const gaussian = defineLoss({
 *   kind: "gaussian",
 *   parse(options: { initial?: number }, owner) {
 *     return { initial: new OptionReader(owner, options, ["initial"]).number("initial", 0) };
 *   },
 *   target: () => ({ dtype: "float32" }),
 *   build({ parameter }, { initial }, { prediction, target }) {
 *     const s = parameter("logVariance", [featuresOf(prediction)], { kind: "constant", value: initial });
 *     const errors = add(mul(square(sub(prediction.values, target.values)), exp(neg(s))), s);
 *     return mean(errors, [errors.type.shape.length - 1]);
 *   },
 * });
 * await compile(model, { loss: gaussian(), … });
 */
export function defineLoss<O, C extends object>(own: OwnLoss<O, C>): LossMaker<O, C> {
  if (!isRecord(own)) throw new ConfigError(`defineLoss takes a definition, got ${shown(own)}`);
  const { kind } = own;
  if (!isName(kind)) throw new ConfigError(`defineLoss: kind must be ${NAME_RULE}, got ${shown(kind)}`);
  if ((lossKinds as readonly string[]).includes(kind))
    throw new ConfigError(`defineLoss: ${shown(kind)} is a loss of the library; call yours by another kind`);
  expectParts("defineLoss", kind, own, parts);
  return makeLosses(own);
}

/**
 * What a trained model keeps of a loss: its options, and the weights of its parameters by name.
 *
 * @param trained what `trainer.snapshot()`, `loadModel` or `onnxPredictor` gave
 * @param maker what made the loss, such as `crf`
 * @param output the name of the output; it may be left out where one output alone has such a loss
 * @throws ConfigError where no output was trained with such a loss, or several were; ModelFileError where what is kept is damaged
 * @example const { options, weights } = trainedLoss(trained, gaussian); // weights.logVariance
 */
export function trainedLoss<C>(
  trained: Pick<Trained, "losses" | "weights">,
  maker: Pick<LossMaker<never, C>, "kind" | "parse">,
  output?: string,
): { readonly output: string; readonly options: C; readonly weights: Readonly<Record<string, Float32Tensor>> } {
  const { kind } = maker;
  if (!isRecord(trained) || !isRecord(trained.weights))
    throw new ConfigError(
      `${kind}: a trained model is wanted, as await trainer.snapshot() gives it, got ${shown(trained)}`,
    );
  const { losses = {} } = trained;
  const names = Object.keys(losses).filter((name) => losses[name]?.kind === kind);
  const known = names.length === 0 ? "none" : names.join(", ");
  if (output === undefined && names.length > 1)
    throw new ConfigError(`${kind}: several outputs were trained with it, ${known}; name one of them`);
  const name = output ?? names[0];
  if (name === undefined || !names.includes(name))
    throw new ConfigError(
      `${kind}: ${name === undefined ? "no output was" : `the output ${shown(name)} was not`} trained with it; those that were: ${known}`,
    );
  const loss = losses[name] as TrainedLoss;
  const all = lossWeights({ weights: trained.weights, losses: { [name]: loss } });
  return {
    output: name,
    options: maker.parse(loss.options, `${kind} of "${name}"`),
    weights: Object.fromEntries(
      Object.keys(loss.parameters).map((own) => [own, all[lossParameter(name, kind, own)] as Float32Tensor]),
    ),
  };
}

/** @throws ShapeError where what a trained loss learned has not this shape */
export function expectWeights(
  kind: string,
  weights: Readonly<Record<string, Float32Tensor>>,
  shapes: Readonly<Record<string, readonly number[]>>,
): void {
  for (const [name, shape] of Object.entries(shapes)) {
    const found = weights[name]?.shape;
    if (found?.join() !== shape.join())
      throw new ShapeError(
        `${kind}: its ${name} must be float32[${shape}], got ${found ? `float32[${found}]` : "none"}`,
      );
  }
}
