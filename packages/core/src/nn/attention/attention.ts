/** The layers of attention: to each step of a query the steps of a value, weighed by how their keys fit it. */
import { ShapeError } from "../../errors.ts";
import { minimum, mul } from "../../ir/build/elementwise.ts";
import { matmul } from "../../ir/build/linear.ts";
import type { Value } from "../../ir/ops.ts";
import type { Initializer } from "../initializers.ts";
import { batchMajorShape, type Flow, featuresOf, type Kind } from "../kinds.ts";
import type { BuildContext, LayerDefinition, ParameterTraits } from "../layer.ts";
import { isRecord, OptionReader } from "../options.ts";
import type { Regularizer } from "../regularizers.ts";
import { additiveScores, attentionWeights, dotScores, stepsAttended, weightedSum } from "./score.ts";

/** What both layers have. */
type SharedConfig = {
  readonly useScale: boolean;
  readonly useCausalMask: boolean;
  readonly dropout: number;
  readonly returnAttentionScores: boolean;
  readonly kernelInitializer: Initializer;
  readonly kernelRegularizer: Regularizer | null;
  readonly trainable: boolean;
};

const scoreModes = ["dot", "scaled", "general", "concat"] as const;

export type AttentionConfig = SharedConfig & { readonly scoreMode: (typeof scoreModes)[number] };
export type AdditiveAttentionConfig = SharedConfig & { readonly units: number | null };

/** What sets one apart. */
interface Scoring<C extends SharedConfig> {
  /** Its own option. */
  readonly option: Exclude<keyof C & string, keyof SharedConfig>;
  readonly useScale: boolean;
  read(read: OptionReader, given: unknown): Omit<C, keyof SharedConfig>;
  scores(context: BuildContext, config: C, query: Flow, key: Flow): Value;
}

const shown = (...flows: readonly Flow[]): string =>
  flows.map((flow) => `[${batchMajorShape(flow).join(", ")}]`).join(" and ");

/** @throws ShapeError with the shapes, where a formula needs the same number of features of both */
function expectSameFeatures(query: Flow, key: Flow, wayOut: string): void {
  if (featuresOf(query) === featuresOf(key)) return;
  throw new ShapeError(
    `its query and its key must have the same number of features, they are ${shown(query, key)}; ${wayOut}, or bring them to one size with dense`,
  );
}

/** @throws ShapeError with the shapes, where the time axes do not belong together */
function expectTimes(query: Flow, value: Flow, key: Flow, causal: boolean): void {
  const time = ({ values }: Flow) => values.type.shape[0];
  if (time(key) !== time(value))
    throw new ShapeError(
      `its value and its key must be over the same time axis, they are ${shown(value, key)}; give that axis one name where the inputs of the model are made`,
    );
  if (causal && (query.kind !== "sequence" || time(query) !== time(value)))
    throw new ShapeError(
      `with useCausalMask its query and its value must be sequences over the same time axis, they are ${shown(query, value)}; leave useCausalMask out, or give that axis one name`,
    );
}

/** The shorter of the lengths of values and keys. */
const bothLengths = ({ lengths: a }: Flow, { lengths: b }: Flow): Value | undefined =>
  a && b && a !== b ? minimum(a, b) : (a ?? b);

const parameterTraits = ({ trainable, kernelRegularizer }: SharedConfig): ParameterTraits => ({
  trainable,
  regularizer: kernelRegularizer,
});

function attentionLayer<C extends SharedConfig>(scoring: Scoring<C>): LayerDefinition<C> {
  return {
    merges: true,
    takes:
      "a list of two or three inputs, [query, value] or [query, value, key]: the query a sequence [batch, time, features] or features [batch, features], the others sequences",
    parse(given, owner) {
      const read = new OptionReader(owner, given, [
        scoring.option,
        "useScale",
        "useCausalMask",
        "dropout",
        "returnAttentionScores",
        "kernelInitializer",
        "kernelRegularizer",
        "trainable",
      ]);
      return {
        ...scoring.read(read, given),
        useScale: read.boolean("useScale", scoring.useScale),
        useCausalMask: read.boolean("useCausalMask", false),
        dropout: read.number("dropout", 0, 0, 1),
        returnAttentionScores: read.boolean("returnAttentionScores", false),
        kernelInitializer: read.initializer("kernelInitializer", "glorotUniform"),
        kernelRegularizer: read.regularizer("kernelRegularizer"),
        trainable: read.boolean("trainable", true),
      } as C;
    },
    outputs({ returnAttentionScores }, inputs): readonly Kind[] | undefined {
      const [query, value, key = "sequence"] = inputs;
      const fits = inputs.length < 4 && value === "sequence" && key === "sequence";
      if (!fits || (query !== "sequence" && query !== "features")) return undefined;
      return returnAttentionScores ? [query, "scores"] : [query];
    },
    build(context, config, inputs) {
      const [query, value, key = value] = inputs as readonly [Flow, Flow, Flow?];
      expectTimes(query, value, key, config.useCausalMask);
      const scores = scoring.scores(context, config, query, key);
      const attended = stepsAttended(scores, {
        queryLengths: query.lengths,
        valueLengths: bothLengths(value, key),
        causal: config.useCausalMask,
      });
      const weights = attentionWeights(scores, attended);
      const { mask } = context;
      const dropped = mask && config.dropout > 0 ? mul(weights, mask(config.dropout, weights.type.shape)) : weights;
      const result: Flow = { ...query, values: weightedSum(dropped, value.values) };
      if (!config.returnAttentionScores) return [result];
      return [result, { ...query, kind: "scores", values: dropped }];
    },
  };
}

export const attention = attentionLayer<AttentionConfig>({
  option: "scoreMode",
  useScale: false,
  read: (read) => ({ scoreMode: read.oneOf("scoreMode", scoreModes, "dot") }),
  scores({ parameter }, config, query, key) {
    const { scoreMode, useScale, trainable } = config;
    const number = (name: string): Value => parameter(name, [], "ones", { trainable });
    const [q, k] = [query.values, key.values];
    if (scoreMode === "general") {
      const shape = [featuresOf(query), featuresOf(key)];
      const kernel = parameter("kernel", shape, config.kernelInitializer, parameterTraits(config));
      const scores = dotScores(matmul(q, kernel), k);
      return useScale ? mul(scores, number("scale")) : scores;
    }
    expectSameFeatures(query, key, 'scoreMode: "general" takes them as they are');
    const scale = useScale ? number("scale") : undefined;
    if (scoreMode === "concat") {
      const scaled = (x: Value): Value => (scale ? mul(x, scale) : x);
      return mul(additiveScores(scaled(q), scaled(k)), number("concatScoreWeight"));
    }
    const scores = dotScores(scoreMode === "scaled" ? mul(q, 1 / Math.sqrt(featuresOf(query))) : q, k);
    return scale ? mul(scores, scale) : scores;
  },
});

export const additiveAttention = attentionLayer<AdditiveAttentionConfig>({
  option: "units",
  useScale: true,
  read: (read, given) => ({ units: isRecord(given) && given.units != null ? read.integer("units", 1) : null }),
  scores({ parameter }, config, query, key) {
    const { units, useScale, trainable } = config;
    if (units === null) expectSameFeatures(query, key, "units: 32, say, projects both");
    const projected = (flow: Flow, name: string): Value => {
      if (units === null) return flow.values;
      const shape = [featuresOf(flow), units];
      return matmul(flow.values, parameter(name, shape, config.kernelInitializer, parameterTraits(config)));
    };
    const width = units ?? featuresOf(query);
    const [q, k] = [projected(query, "queryKernel"), projected(key, "keyKernel")];
    return additiveScores(q, k, useScale ? parameter("scale", [width], "glorotUniform", { trainable }) : undefined);
  },
});
