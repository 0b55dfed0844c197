/** The parameters of a model and of what it is trained with, as layers and losses ask for them: each is made once. */
import { ConfigError, ShapeError } from "../errors.ts";
import { state } from "../ir/build/source.ts";
import { showShape, type Value } from "../ir/value.ts";
import { initialize } from "./initializers.ts";
import type { BuildContext, ParameterSpec } from "./layer.ts";

/** A parameter, its value in the graph, and who asked for it. */
export interface Asked<Owner> {
  readonly spec: ParameterSpec;
  readonly value: Value;
  readonly owner: Owner;
}

/** What a parameter was asked for as, and how it begins in words where it is not a function. */
interface Request {
  readonly spec: Omit<ParameterSpec, "initialize">;
  readonly begin: string | undefined;
}

/** @throws ShapeError, ConfigError where a parameter that there is was asked for as another */
function expectSame(known: Request, asked: Request): void {
  const expect = (E: typeof ShapeError | typeof ConfigError, is: string | undefined, as: string | undefined): void => {
    if (is !== as) throw new E(`the parameter "${known.spec.name}" is ${is}, and was asked for as ${as}`);
  };
  const traitsOf = ({ spec: { trainable, regularizer } }: Request): string =>
    JSON.stringify({ trainable, regularizer });
  expect(ShapeError, showShape(known.spec.shape), showShape(asked.spec.shape));
  // Functions may be made anew for each call.
  if (known.begin !== undefined && asked.begin !== undefined) expect(ConfigError, known.begin, asked.begin);
  expect(ConfigError, traitsOf(known), traitsOf(asked));
}

/** Parameters in the order in which they are first asked for. */
export class Parameters<Owner> {
  readonly #asked = new Map<string, Asked<Owner> & Request>();

  /** What `parameter` of a context is for an owner whose parameters have `name` before theirs. */
  of(owner: Owner, name: string): BuildContext["parameter"] {
    return (suffix, shape, initializer, { trainable = true, regularizer } = {}) => {
      const full = `${name}/${suffix}`;
      const begin = typeof initializer === "function" ? undefined : JSON.stringify(initializer);
      const traits = { trainable, ...(regularizer ? { regularizer: { l1: 0, l2: 0, ...regularizer } } : {}) };
      const known = this.#asked.get(full);
      if (known) {
        expectSame(known, { spec: { name: full, shape, ...traits }, begin });
        return known.value;
      }
      const value = state(full, "float32", shape);
      const spec: ParameterSpec = {
        name: full,
        shape,
        initialize:
          typeof initializer === "function" ? initializer : (stream) => initialize(initializer, shape, stream),
        ...traits,
      };
      this.#asked.set(full, { spec, begin, value, owner });
      return value;
    };
  }

  list(): readonly Asked<Owner>[] {
    return [...this.#asked.values()];
  }
}
