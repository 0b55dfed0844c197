/** The layers that make a sequence of one vector. */
import { broadcast } from "../ir/build/shape.ts";
import type { Dim } from "../ir/ops.ts";
import type { Flow } from "./kinds.ts";
import type { LayerDefinition } from "./layer.ts";
import { OptionReader } from "./options.ts";

/** The vector of each row at each of so many steps. */
function repeated({ values }: Flow, time: Dim): Flow {
  return { kind: "sequence", values: broadcast(values, [time, ...values.type.shape], [1, 2]) };
}

export type RepeatVectorConfig = { readonly n: number };

export const repeatVector: LayerDefinition<RepeatVectorConfig> = {
  parse: (options, owner) => ({ n: new OptionReader(owner, options, ["n"]).integer("n", 1) }),
  takes: "features [batch, features]",
  outputs: (_config, inputs) => (inputs.join() === "features" ? ["sequence"] : undefined),
  build: (_context, { n }, [input]) => [repeated(input as Flow, n)],
};

/** It has no options but a name. */
export type RepeatAlongConfig = Record<string, never>;

export const repeatAlong: LayerDefinition<RepeatAlongConfig> = {
  merges: true,
  parse(options, owner) {
    new OptionReader(owner, options, ["name"]);
    return {};
  },
  takes: "a list of features [batch, features] and a sequence [batch, time, features], in this order",
  outputs: (_config, inputs) => (inputs.join() === "features,sequence" ? ["sequence"] : undefined),
  build(_context, _config, [vector, sequence]) {
    const { values, lengths } = sequence as Flow;
    return [{ ...repeated(vector as Flow, values.type.shape[0] as Dim), ...(lengths ? { lengths } : {}) }];
  },
};
