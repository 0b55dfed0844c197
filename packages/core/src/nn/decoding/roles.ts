/** Which parts of a model decode: the input of tokens, the calls that depend on it, and the output that scores the next ones. */
import { ConfigError } from "../../errors.ts";
import type { InputSpec } from "../layer.ts";
import { OptionReader, shown } from "../options.ts";
import type { ModelSpec, Source } from "../spec.ts";

/** Which parts of a model decoding goes by. */
export interface DecodingOptions {
  /** The input of ids that reads the tokens so far. Default `"target"`, or the model's only input. */
  readonly target?: string;
  /** The output that scores the next token at each step of the target. Default the first. */
  readonly output?: string;
}

/** Which part of a spec does what. */
export interface Roles {
  /** The number of the input that reads tokens. */
  readonly target: number;
  /** The name of its time axis. */
  readonly time: string;
  /** The calls that depend on the tokens; the others are the encoder. */
  readonly isStep: readonly boolean[];
  readonly output: ModelSpec["outputs"][number];
}

const listed = (names: readonly { readonly name: string }[]): string => names.map(({ name }) => `"${name}"`).join(", ");

/** @throws ConfigError where the model has no input of ids by that name, or its time is that of another input too */
function targetOf({ inputs }: ModelSpec, name?: string): number {
  const only = inputs.length === 1 ? inputs[0]?.name : undefined;
  const wanted = name ?? only ?? "target";
  const target = inputs.findIndex((input) => input.name === wanted);
  const found = inputs[target];
  if (found === undefined)
    throw new ConfigError(
      `decoding: the model has no input ${shown(wanted)}; name the one that reads the tokens so far, { target: … }, one of ${listed(inputs)}`,
    );
  if (found.kind !== "ids")
    throw new ConfigError(
      `decoding: the input "${wanted}" must be ids [batch, time], it is ${found.kind}; name the one that reads the tokens so far, { target: … }`,
    );
  const other = inputs.find(({ kind, shape }, i) => i !== target && kind !== "features" && shape[0] === found.shape[0]);
  if (other)
    throw new ConfigError(
      `decoding: the inputs "${wanted}" and "${other.name}" are over the same time "${found.shape[0]}", so they have the same steps; give the time of each a name of its own`,
    );
  return target;
}

/** @throws ConfigError for parts that the model does not have, or that cannot have this role */
export function rolesOf(spec: ModelSpec, options: DecodingOptions): Roles {
  new OptionReader("decoding", options, ["target", "output"]);
  const tree = spec.inputs.find((input) => input.tree);
  if (tree)
    throw new ConfigError(
      `decoding: the input "${tree.name}" is one of trees; sources and tokens of a model that writes are sequences`,
    );
  const target = targetOf(spec, options.target);
  const isStep: boolean[] = [];
  for (const { sources } of spec.calls) isStep.push(sources.some((source) => hangsOn(source, target, isStep)));
  const wanted = options.output ?? spec.outputs[0]?.name;
  const output = spec.outputs.find(({ name }) => name === wanted);
  if (output === undefined)
    throw new ConfigError(`decoding: the model has no output ${shown(wanted)}; it has ${listed(spec.outputs)}`);
  const { name, shape } = spec.inputs[target] as InputSpec;
  if (!hangsOn(output.source, target, isStep))
    throw new ConfigError(
      `decoding: the output "${output.name}" does not depend on the tokens of "${name}"; name the one that scores the next token, { output: … }, one of ${listed(spec.outputs)}`,
    );
  return { target, time: shape[0] as string, isStep, output };
}

const hangsOn = (source: Source, target: number, isStep: readonly boolean[]): boolean =>
  "input" in source ? source.input === target : isStep[source.call] === true;

/** The sources and the encoder as a model of their own. */
export function sourcesOf({ inputs, layers, calls }: ModelSpec, { target, isStep }: Roles): ModelSpec {
  const moved = (source: Source): Source => {
    if ("input" in source) return { input: source.input - (source.input > target ? 1 : 0) };
    return { ...source, call: isStep.slice(0, source.call).filter((step) => !step).length };
  };
  const own = calls.filter((_, i) => !isStep[i]);
  return {
    inputs: inputs.filter((_, i) => i !== target),
    layers,
    calls: own.map((call) => ({ ...call, sources: call.sources.map(moved) })),
    outputs: [],
  };
}
