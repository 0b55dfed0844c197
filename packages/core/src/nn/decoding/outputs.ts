/** What comes out of a step: the scores of the next token, and the weights of attention. */
import { ConfigError, OstinatoError } from "../../errors.ts";
import { log, logSoftmax } from "../../ir/build/elementwise.ts";
import { bodyOf } from "../../ir/structured.ts";
import type { Dim, Value } from "../../ir/value.ts";
import type { BuiltModel } from "../build.ts";
import { batchMajorShape, type Flow } from "../kinds.ts";
import type { InputSpec } from "../layer.ts";
import { inputChecks, type ModelSpec } from "../spec.ts";
import type { Roles } from "./roles.ts";

/** @throws ConfigError where the scores are not over the tokens, or are of more tokens than the model reads */
export function expectScores(spec: ModelSpec, { target, time, output }: Roles, flow: Flow): number {
  const { name } = spec.inputs[target] as InputSpec;
  const { kind, values } = flow;
  const units = values.type.shape.at(-1) as number;
  const shape = `${kind} [${batchMajorShape(flow).join(", ")}]`;
  if (kind !== "sequence" || values.type.shape[0] !== time)
    throw new ConfigError(
      `decoding: the output "${output.name}" must be over the time of "${name}", [batch, ${time}, units], it is ${shape}; give the recurrences before it returnSequences: true`,
    );
  if (units < 2)
    throw new ConfigError(
      `decoding: the output "${output.name}" must score two tokens or more, one unit each, it is ${shape}`,
    );
  if (lastOp(values) === "sigmoid")
    throw new ConfigError(
      `decoding: the output "${output.name}" ends in a sigmoid; next tokens are scored by a softmax or by linear units`,
    );
  const token = { label: `input "${name}"`, dtype: "int32", width: 1 } as const;
  for (const [check, owner] of inputChecks(spec, target)) {
    try {
      check({ spec: token, rows: 1, data: [units - 1], starts: [0], lengths: [1] });
    } catch (error) {
      if (!(error instanceof OstinatoError)) throw error;
      throw new ConfigError(
        `decoding: the output "${output.name}" scores ${units} tokens, and the ${owner} reads fewer; give it an inputDim of ${units}`,
        { cause: error },
      );
    }
  }
  return units;
}

/** The op that numbers come from, behind moves of them and inside of a body. */
function lastOp({ node, output }: Value): string {
  const inside = bodyOf(node)?.results[output];
  if (inside) return lastOp(inside);
  if (node.op === "reshape" || node.op === "transpose") return lastOp(node.inputs[0] as Value);
  return node.op;
}

/** What the probabilities of tokens are made of. */
export interface Scored {
  readonly values: Value;
  /** Whether the values are logarithms of probabilities; else their softmax are the probabilities. */
  readonly areLogarithms: boolean;
}

/** Units before a softmax, or linear ones; logarithms of probabilities where these come out of a body. */
export function scoredBy(scores: Value): Scored {
  const { op, inputs } = scores.node;
  if (op === "softmax") return { values: inputs[0] as Value, areLogarithms: false };
  return lastOp(scores) === "softmax"
    ? { values: log(scores), areLogarithms: true }
    : { values: scores, areLogarithms: false };
}

/** Of probabilities where they come from a softmax, else of linear units or what are logarithms already. */
export function logProbabilitiesOf(scores: Value): Value {
  const { values, areLogarithms } = scoredBy(scores);
  return areLogarithms ? values : logSoftmax(values);
}

/** The output that tells what is attended to. */
export interface Attention {
  /** The number of the output. */
  readonly output: number;
  /** The size of the axis of what is attended to. */
  readonly time: Dim;
}

/** The output with the weights of attention over something else than the tokens themselves, if there is one; that called "attention" before others. */
export function attentionOf({ outputs }: ModelSpec, { time }: Roles, built: BuiltModel): Attention | undefined {
  const found = built.outputs.flatMap(({ flow: { kind, values } }, output): Attention[] => {
    const [, query, attended] = values.type.shape;
    const fits = kind === "scores" && query === time && attended !== undefined && attended !== time;
    return fits ? [{ output, time: attended }] : [];
  });
  return found.find(({ output }) => outputs[output]?.name === "attention") ?? found[0];
}
