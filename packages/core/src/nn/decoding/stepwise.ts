/** Whether a model's step is one: that it takes tokens as they come. */
import { ConfigError } from "../../errors.ts";
import { substitute } from "../../ir/rewrite.ts";
import { NotStepwise, Stepwise } from "../../ir/stepwise.ts";
import type { Value } from "../../ir/value.ts";
import { buildModel } from "../build.ts";
import { STATES } from "../carried.ts";
import type { InputSpec } from "../layer.ts";
import { layerOfCall, type ModelSpec } from "../spec.ts";
import { expectGiven } from "../streamed.ts";
import { crossingsOf, type Stand } from "./memory.ts";
import type { Roles } from "./roles.ts";

/** @throws ConfigError that names the first layer of the step which needs more of a row than the steps so far */
export function expectStepwise(spec: ModelSpec, roles: Roles, stands: readonly Stand[]): void {
  const built = buildModel(spec, undefined, "always");
  const calls = built.calls.flatMap((flows, call) => {
    if (!roles.isStep[call]) return [];
    const states = built.carried.filter((state) => state.call === call).map(({ after }) => after);
    return [
      {
        call,
        given: flows.map(({ values }) => values),
        others: [...flows.flatMap(({ lengths }) => lengths ?? []), ...states],
      },
    ];
  });
  const all = calls.flatMap(({ given, others }) => [...others, ...given]);
  const cut = substitute(
    all,
    crossingsOf(spec, roles, built).map(({ value }) => value),
    stands.map(({ inside }) => inside),
  );
  const inStep = new Map(all.map((value, i) => [value, cut[i] as Value]));
  const { name: target } = spec.inputs[roles.target] as InputSpec;
  const stepwise = new Stepwise(
    (name) => (name === target ? "steps" : name.startsWith(STATES) ? "begun" : "fixed"),
    [roles.time],
  );
  for (const { call, given, others } of calls)
    try {
      for (const value of others) stepwise.of(inStep.get(value) as Value);
      for (const value of given) expectGiven(stepwise.of(inStep.get(value) as Value));
    } catch (error) {
      if (!(error instanceof NotStepwise)) throw error;
      throw new ConfigError(
        `decoding: the ${layerOfCall(spec, call)} cannot take the tokens of "${target}" as they come, because it ${error.message}`,
      );
    }
}
