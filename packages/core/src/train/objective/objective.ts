/** What a model is trained with: for each of its outputs a loss, the weight of that loss, and metrics. */
import { ConfigError } from "../../errors.ts";
import { buildModel } from "../../nn/build.ts";
import { isRecord, repeatedName, shown } from "../../nn/options.ts";
import { layerOfCall, type ModelSpec, type OutputSpec } from "../../nn/spec.ts";
import { outputFigure, validationName } from "./figures.ts";
import type { Loss } from "./loss.ts";
import { isMetricName, type Metric } from "./metrics.ts";
import { expectPart } from "./parts.ts";
import type { TrainingForm } from "./trainingForm.ts";

/** Something for each output, by its name. */
export type ByOutput<T> = Readonly<Record<string, T>>;

/** What a model is trained with. */
export interface Objective {
  /**
   * One loss for every output but weights of attention, which have no targets; or one each by the output's name. An output whose loss is null is not
   * trained, and has no targets.
   */
  readonly loss: Loss | ByOutput<Loss | null>;
  /** What the loss of an output counts in the sum that training makes small, by the output's name. Default 1. */
  readonly lossWeights?: ByOutput<number>;
  /** Metrics without weights: each row counts once. A list where one output is trained, else by the output's name. */
  readonly metrics?: readonly Metric[] | ByOutput<Metric | readonly Metric[]>;
  /** Metrics in which rows count by `sampleWeights` and `classWeight`, as in the loss. In the form of `metrics`. */
  readonly weightedMetrics?: readonly Metric[] | ByOutput<Metric | readonly Metric[]>;
  /** Now and then a decoder reads in training what it wrote itself: `scheduledSampling({ … })`. Default: it always reads what is given. */
  readonly scheduledSampling?: TrainingForm;
  /**
   * Selects the parameters to train by name: `(name) => name.startsWith("head/")` freezes all others. Parameters frozen by a layer remain frozen. Regularizers only
   * apply to trained parameters. Default: all are trained.
   */
  readonly trainable?: (name: string) => boolean;
  /** The factor of a parameter's learning rate, by name; at least 0. Default 1 for all. */
  readonly learningRates?: (name: string) => number;
}

/** A metric of an output. */
export interface Figure {
  /** What logs call it. */
  readonly name: string;
  readonly metric: Metric;
  /** Rows count by their weights. */
  readonly weighted: boolean;
}

/** An output that is trained. */
export interface TrainedOutput {
  /** Its place among the outputs of the model. */
  readonly index: number;
  readonly name: string;
  /** How errors call what makes it. */
  readonly maker: string;
  readonly loss: Loss;
  readonly lossWeight: number;
  /** What logs call its loss beside the sum of all; absent where it is the only one. */
  readonly lossName?: string;
  readonly figures: readonly Figure[];
}

/** What made an output, for errors: `dense "verdict"`. */
const makerOf = (spec: ModelSpec, { source }: OutputSpec): string =>
  "input" in source ? `input "${spec.inputs[source.input]?.name}"` : layerOfCall(spec, source.call);

/** What is given for each output, in the order of `names`. @throws ConfigError for a name that no output has */
function inOrder<T>(option: string, given: ByOutput<T>, names: readonly string[]): (T | undefined)[] {
  if (!isRecord(given)) {
    const form = `{ ${names.map((name) => `${name}: …`).join(", ")} }`;
    throw new ConfigError(`compile: ${option} must be by output, as ${form}, got ${shown(given)}`);
  }
  const unknown = Object.keys(given).find((name) => !names.includes(name));
  if (unknown !== undefined)
    throw new ConfigError(
      `compile: ${option} has ${shown(unknown)}, and the model has the output${names.length > 1 ? "s" : ""} ${names.join(", ")}`,
    );
  return names.map((name) => (Object.hasOwn(given, name) ? given[name] : undefined));
}

function expectLoss(option: string, loss: unknown): Loss {
  expectPart("compile", option, loss, ["perRow", "target"], "binaryCrossentropy()");
  if (typeof loss.kind !== "string")
    throw new ConfigError(`compile: the ${option} has no kind, got ${shown(loss.kind)}`);
  return loss as unknown as Loss;
}

/** Whether it is a record by output, and not one loss, however incomplete. */
const isByOutput = (given: unknown): given is ByOutput<unknown> =>
  isRecord(given) &&
  typeof given.kind !== "string" &&
  typeof given.perRow !== "function" &&
  typeof given.target !== "function" &&
  typeof given.then !== "function";

/** The loss of each output, null where it is not trained. */
function lossesOf(spec: ModelSpec, given: unknown): (Loss | null)[] {
  const names = spec.outputs.map(({ name }) => name);
  if (!isByOutput(given) && !Array.isArray(given)) {
    const loss = expectLoss("loss", given);
    return buildModel(spec).outputs.map(({ flow }) => (flow.kind === "scores" ? null : loss));
  }
  return inOrder("loss", given as ByOutput<unknown>, names).map((loss, i) => {
    if (loss === null) return null;
    if (loss !== undefined) return expectLoss(`loss of "${names[i]}"`, loss);
    const output = spec.outputs[i] as OutputSpec;
    throw new ConfigError(
      `compile: the output "${output.name}" of ${makerOf(spec, output)} has no loss; give loss: { ${output.name}: meanSquaredError(), … }, say, or ${output.name}: null, which leaves it untrained`,
    );
  });
}

/** The metrics of each output; a list is that of the only `trained` one. */
function metricsOf(
  option: string,
  given: unknown,
  names: readonly string[],
  trained: readonly string[],
): (readonly Metric[])[] {
  const listed = (list: unknown): readonly Metric[] => {
    if (!Array.isArray(list)) throw new ConfigError(`compile: ${option} must be a list, got ${shown(list)}`);
    for (const metric of list) expectPart("compile", `each of ${option}`, metric, ["sums", "result"], "accuracy()");
    return list;
  };
  const isMetric = (metric: unknown): boolean => isRecord(metric) && typeof metric.sums === "function";
  if (given === undefined) return names.map(() => []);
  if (isRecord(given) && !isMetric(given))
    return inOrder(option, given, names).map((own) => (own === undefined ? [] : listed(isMetric(own) ? [own] : own)));
  const list = listed(given);
  if (list.length > 0 && trained.length > 1)
    throw new ConfigError(
      `compile: the model has the outputs ${trained.join(", ")}; give ${option} by output, as { ${trained[0]}: [accuracy()] }`,
    );
  return names.map((name) => (trained.includes(name) ? list : []));
}

function lossWeightsOf({ lossWeights }: Objective, names: readonly string[]): (number | undefined)[] {
  const weights = inOrder("lossWeights", lossWeights ?? {}, names);
  weights.forEach((weight, i) => {
    if (weight !== undefined && !Number.isFinite(weight))
      throw new ConfigError(`compile: lossWeights of "${names[i]}" must be a finite number, got ${shown(weight)}`);
  });
  return weights;
}

/**
 * The outputs that are trained, in the order of the model.
 *
 * @throws ConfigError that names the output and the option
 */
export function trainedOutputs(spec: ModelSpec, objective: Objective): readonly TrainedOutput[] {
  const names = spec.outputs.map(({ name }) => name);
  const losses = lossesOf(spec, objective.loss);
  const weights = lossWeightsOf(objective, names);
  const trained = names.filter((_, i) => losses[i] !== null);
  if (trained.length === 0)
    throw new ConfigError("compile: the loss of every output is null, which leaves nothing to train");
  const metrics = metricsOf("metrics", objective.metrics, names, trained);
  const weighted = metricsOf("weightedMetrics", objective.weightedMetrics, names, trained);
  const several = trained.length > 1;
  const outputs = spec.outputs.flatMap((output, index): TrainedOutput[] => {
    const { name } = output;
    const loss = losses[index] as Loss | null;
    const figures = [metrics, weighted].flatMap((lists, kind) =>
      (lists[index] as readonly Metric[]).map((metric): Figure => {
        const own = several ? outputFigure(name, metric.name) : metric.name;
        return { name: own, metric, weighted: kind === 1 };
      }),
    );
    if (loss === null) {
      const option = figures.length > 0 ? "metrics" : weights[index] === undefined ? undefined : "lossWeights";
      if (option !== undefined)
        throw new ConfigError(
          `compile: ${option} has "${name}", whose loss is null, so that it has no targets; give it a loss, with lossWeights: { ${name}: 0 } to watch it only`,
        );
      return [];
    }
    return [
      {
        index,
        name,
        maker: makerOf(spec, output),
        loss,
        lossWeight: weights[index] ?? 1,
        ...(several ? { lossName: outputFigure(name, "loss") } : {}),
        figures,
      },
    ];
  });
  checkNames(outputs);
  return outputs;
}

/** The metrics of all outputs, in the order of logs. */
export const figuresOf = (outputs: readonly TrainedOutput[]): readonly Figure[] =>
  outputs.flatMap(({ figures }) => figures);

/**
 * All figures in the order of logs, by name, and what each is called without the name of its output: the loss, those of the outputs where there are
 * several, the metrics.
 */
export const figureNames = (outputs: readonly TrainedOutput[]): readonly (readonly [name: string, own: string])[] => [
  ["loss", "loss"],
  ...outputs.flatMap(({ lossName }) => (lossName === undefined ? [] : [[lossName, "loss"] as const])),
  ...figuresOf(outputs).map(({ name, metric }) => [name, metric.name] as const),
];

/** Names that events and histories have already. */
const taken: readonly string[] = ["epoch", "epochs", "seconds", "step", "steps", "logs", "stopped"];

/** @throws ConfigError where two figures have one name, or one has a name of validation's */
function checkNames(outputs: readonly TrainedOutput[]): void {
  const way = 'give the metric another name, { name: "…" }, or the output';
  for (const { metric } of figuresOf(outputs)) {
    if (!isMetricName(metric.name))
      throw new ConfigError(
        `compile: the name of a metric must be up to 100 letters, digits and "_", got ${shown(metric.name)}`,
      );
  }
  const names = figureNames(outputs).map(([name]) => name);
  for (const name of names) {
    if (/^val[A-Z]/.test(name))
      throw new ConfigError(`compile: "${name}" is what validation calls its figures; ${way}`);
  }
  const twice = repeatedName([...taken, ...names]) ?? repeatedName(names.map(validationName));
  if (twice !== undefined) throw new ConfigError(`compile: "${twice}" would be in the logs twice; ${way}`);
}
