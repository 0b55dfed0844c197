/** The two halves of decoding: what a model makes of its sources once, and what it makes of each token after that. Both are cut out of the model's own graph. */
import { ConfigError } from "../../errors.ts";
import { logSoftmax } from "../../ir/build/elementwise.ts";
import { expandDims, squeeze } from "../../ir/build/shape.ts";
import { feed } from "../../ir/build/source.ts";
import { rewrite, substitute } from "../../ir/rewrite.ts";
import { type Dim, nodesOf, type Value, type ValueType } from "../../ir/value.ts";
import { buildModel } from "../build.ts";
import type { CarriedState } from "../carried.ts";
import type { Flow } from "../kinds.ts";
import type { ModelSpec } from "../spec.ts";
import { withoutBeginnings } from "./beginnings.ts";
import { halved } from "./halves.ts";
import { readAsItLies } from "./layout.ts";
import { crossingsOf, freeName, nameOfProduct, productsOf, type Stand, standFor } from "./memory.ts";
import { type Attention, attentionOf, expectScores, scoredBy } from "./outputs.ts";
import { type DecodingOptions, type Roles, rolesOf, sourcesOf } from "./roles.ts";
import { expectStepwise } from "./stepwise.ts";

export type { DecodingOptions } from "./roles.ts";

/** Something that the encoder gives and the step reads, or that one step leaves to the next. */
export interface HeldPart {
  /** `memory/…` or `states/…`; no two parts have the same. */
  readonly name: string;
  /** Batch first: row i of it belongs to row i of the batch. */
  readonly type: ValueType;
  /** What it is at first, computed from the feeds of the sources. Absent where it is zeros, which memory never is. */
  readonly first?: Value;
}

/** What one step gives. */
export interface StepValues {
  /** Natural logarithms of the probabilities of the next token: float32 [batch, vocabularySize]. */
  readonly logProbabilities: Value;
  /** The units that `logProbabilities` are the logSoftmax of: likelier tokens have larger ones. Absent where the model makes probabilities by itself. */
  readonly units?: Value;
  /** The states after the step, in the order of `DecodingParts.states`. */
  readonly states: readonly Value[];
  /** How much each row attends to each step of its source: float32 [batch, attentionTime]. */
  readonly attention?: Value;
}

/** A model as it decodes. Its parameters are those of the model, in both halves under the same names. */
export interface DecodingParts {
  /** The model of the sources alone, by which their data is read and checked; its feeds are what `first` is computed from. Without inputs for a model that has no sources. It has no outputs. */
  readonly sources: ModelSpec;
  /** Tokens are 0 … vocabularySize - 1. */
  readonly vocabularySize: number;
  /** What stays as it is from the first step to the last, as long as the rows are of the same sources. */
  readonly memory: readonly HeldPart[];
  /** What changes with each step. */
  readonly states: readonly HeldPart[];
  /** The size of the axis that `attention` is over; absent where the model gives none. */
  readonly attentionTime?: Dim;
  /**
   * The graph of one step.
   *
   * @param token the last token of each row, int32 [batch]
   * @param held the value that stands for a part, of its type
   */
  step(token: Value, held: (part: HeldPart) => Value): StepValues;
}

/** The feed of tokens, before the caller puts a value in its place. */
const TOKEN = "token";

/**
 * Cuts a model with an input of tokens into the two halves of decoding. What does not depend on the tokens is the encoder; the rest is the step, built over one token with all its states
 * carried. What crosses is memory, and what a state begins with is computed by the encoder, so that the step reads states alone.
 *
 * The output that scores tokens may end in a softmax; else it is taken for linear units, or logarithms of probabilities. The output with attention is the first of the kind `scores`
 * over [target, source].
 *
 * @throws ConfigError for a model without such parts, and for one whose step needs more of a row than the tokens so far, with the layer
 * @example
 * const { memory, states, step } = decodingOf(model([source, target], { next, attention }).spec);
 */
export function decodingOf(given: ModelSpec, options: DecodingOptions = {}): DecodingParts {
  const spec = halved(given, rolesOf(given, options).target);
  const roles = rolesOf(spec, options);
  const whole = buildModel(spec);
  const scores = spec.outputs.indexOf(roles.output);
  const vocabularySize = expectScores(spec, roles, whole.outputs[scores]?.flow as Flow);
  const attention = attentionOf(spec, roles, whole);
  const stands = crossingsOf(spec, roles, whole).map(({ name, value }) => standFor(name, value));
  expectStepwise(spec, roles, stands);
  const { given: made, carried, areLogarithms } = stepOf(spec, roles, stands, scores, attention);
  const { roots: begun, initials } = withoutBeginnings(made);
  const encoded = (value: Value): Value =>
    substitute(
      [value],
      stands.map(({ fed }) => fed),
      stands.map(({ first }) => first),
    )[0] as Value;
  const products = productsOf(begun, new Set(stands.map(({ fed }) => fed.node)));
  const taken = new Set(stands.map(({ name }) => name));
  const ofProducts = products.map((product) =>
    standFor(freeName(nameOfProduct(product), taken), product, encoded(product)),
  );
  const turned = substitute(
    begun,
    products,
    ofProducts.map(({ inside }) => inside),
  );
  const roots = rewrite(turned, readAsItLies);
  const reached = new Set(nodesOf(roots));
  const memory = [...stands.toReversed(), ...ofProducts].flatMap(({ name, fed, first }): HeldPart[] =>
    reached.has(fed.node) ? [{ name, type: fed.type, first }] : [],
  );
  const states = carried.map(({ name, after }): HeldPart => {
    const initial = initials.get(name);
    return { name, type: after.type, ...(initial && !isZero(initial) ? { first: encoded(initial) } : {}) };
  });
  expectSources(spec, states);
  const parts = new Map([...memory, ...states].map((part) => [part.name, part]));
  return {
    sources: sourcesOf(spec, roles),
    vocabularySize,
    memory,
    states,
    ...(attention ? { attentionTime: attention.time } : {}),
    step(tokens, held) {
      const [first, ...rest] = rewrite(roots, (node) => {
        if (node.op !== "input" || node.attrs.kind !== "feed") return undefined;
        const { name } = node.attrs;
        return [name === TOKEN ? tokens : held(parts.get(name) as HeldPart)];
      });
      const scores = first as Value;
      return {
        ...(areLogarithms ? { logProbabilities: scores } : { logProbabilities: logSoftmax(scores), units: scores }),
        states: rest.slice(0, states.length),
        ...(attention ? { attention: rest[states.length] as Value } : {}),
      };
    },
  };
}

/** The graph of one token, in which stand-ins are in the place of what the encoder makes: the scores of the next token, the states after it, and the weights of attention if there are any. */
function stepOf(
  spec: ModelSpec,
  roles: Roles,
  stands: readonly Stand[],
  scores: number,
  attention: Attention | undefined,
): { readonly given: readonly Value[]; readonly carried: readonly CarriedState[]; readonly areLogarithms: boolean } {
  const inputs = spec.inputs.map((input, i) => (i === roles.target ? { ...input, shape: [1] } : input));
  const built = buildModel({ ...spec, inputs }, undefined, "always");
  const valuesOf = (output: number): Value => built.outputs[output]?.flow.values as Value;
  const carried = built.carried.filter(({ call }) => roles.isStep[call]);
  const { values, areLogarithms } = scoredBy(valuesOf(scores));
  const made = [
    squeeze(values, 0),
    ...carried.map(({ after }) => after),
    ...(attention ? [squeeze(valuesOf(attention.output), 1)] : []),
  ];
  const crossing = crossingsOf(spec, roles, built).map(({ value }) => value);
  const token = expandDims(feed(TOKEN, "int32", ["batch"]), 0);
  const given = substitute(
    made,
    [...crossing, built.inputs[roles.target]?.values as Value],
    [...stands.map(({ inside }) => inside), token],
  );
  return { given, carried, areLogarithms };
}

/** Whether a value is zeros by the way it is made. */
function isZero({ node }: Value): boolean {
  if (node.op === "broadcast") return isZero(node.inputs[0] as Value);
  return node.op === "constant" && node.attrs.data.every((number) => number === 0);
}

/** @throws ConfigError where a state begins with something that nothing is there to compute for each row */
function expectSources({ inputs }: ModelSpec, states: readonly HeldPart[]): void {
  const learned = inputs.length === 1 ? states.find(({ first }) => first) : undefined;
  if (learned)
    throw new ConfigError(
      `decoding: "${learned.name}" begins with what was learned, and a model without sources begins with zeros; give it an input of features, and begin with what a layer makes of it, { initialState: … }`,
    );
}
