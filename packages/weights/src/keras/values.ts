/** Converts the values of Keras options that are not plain numbers: activations, initializers, regularizers and data types. */
import { activationNames, type Initializer, type Json, ModelFileError, type Regularizer } from "@ostinato/core";
import { type Fields, isFields, shown } from "./json.ts";

/** Converts `recurrentActivation` to `recurrent_activation`. */
export const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** Converts `recurrent_activation` to `recurrentActivation`. */
const camelCase = (name: string): string => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** Aliases that Keras accepts. */
const synonyms = new Map([["swish", "silu"]]);

/** An activation; null is linear. @throws ModelFileError for unsupported activations */
export function readActivation(owner: string, option: string, value: unknown): Json {
  if (value === null) return "linear";
  // Keras functions may be described as objects.
  const name = isFields(value) ? (value.config ?? value.class_name) : value;
  const known = typeof name === "string" ? camelCase(synonyms.get(name) ?? name) : undefined;
  if (known !== undefined && activationNames.some((own) => own === known)) return known;
  throw new ModelFileError(
    `${owner}: ${option} is ${shown(value)}, which is not supported; supported are ${activationNames.map(snakeCase).join(", ")}`,
  );
}

/** Keras initializer classes whose only option is a seed. */
const plainInitializers: Readonly<Record<string, Initializer>> = {
  Zeros: "zeros",
  Ones: "ones",
  GlorotUniform: "glorotUniform",
  GlorotNormal: "glorotNormal",
  HeUniform: "heUniform",
  HeNormal: "heNormal",
  LecunUniform: "lecunUniform",
  LecunNormal: "lecunNormal",
  Orthogonal: "orthogonal",
  OrthogonalInitializer: "orthogonal",
};

const number = (fields: Fields, name: string): number => Number(fields[name]);

/** The initializer of a weight. Unsupported initializers are ignored, because the file contains the weights. */
export function readInitializer(value: unknown): Json | undefined {
  if (!isFields(value)) return undefined;
  const name = String(value.class_name);
  if (Object.hasOwn(plainInitializers, name)) return plainInitializers[name] as Json;
  const config = isFields(value.config) ? value.config : {};
  const [minval, maxval, mean, stddev, constant] = ["minval", "maxval", "mean", "stddev", "value"].map((key) =>
    number(config, key),
  ) as [number, number, number, number, number];
  if (name === "RandomUniform" && minval === -0.05 && maxval === 0.05) return "uniform";
  if (name === "RandomUniform" && minval <= maxval) return { kind: "uniform", minval, maxval };
  if (name === "RandomNormal" && mean === 0 && stddev === 0.05) return "normal";
  if (name === "RandomNormal" && Number.isFinite(mean) && stddev >= 0) return { kind: "normal", mean, stddev };
  if (name === "Constant" && Number.isFinite(constant)) return { kind: "constant", value: constant };
  return undefined;
}

/** A Keras object as Keras describes it. */
export const described = (module: string, className: string, config: Readonly<Record<string, Json>>): Json => ({
  module,
  class_name: className,
  config,
  registered_name: null,
});

const initializer = (className: string, config: Readonly<Record<string, Json>>): Json =>
  described("keras.initializers", className, config);

export function writeInitializer(value: Initializer): Json {
  if (value === "uniform") return initializer("RandomUniform", { minval: -0.05, maxval: 0.05 });
  if (value === "normal") return initializer("RandomNormal", { mean: 0, stddev: 0.05 });
  if (typeof value === "string") {
    const className = Object.keys(plainInitializers).find((name) => plainInitializers[name] === value);
    return initializer(className as string, {});
  }
  const { kind, ...numbers } = value;
  return initializer({ uniform: "RandomUniform", normal: "RandomNormal", constant: "Constant" }[kind], numbers);
}

/** A weight penalty, or null. @throws ModelFileError for other regularizers */
export function readRegularizer(owner: string, option: string, value: unknown): Json {
  if (value === null) return null;
  const name = isFields(value) ? value.class_name : value;
  const config = isFields(value) && isFields(value.config) ? value.config : {};
  // Keras's default, used if only the name is given.
  const amount = (key: string): number => (config[key] === undefined ? 0.01 : number(config, key));
  if (name === "L1" || name === "l1") return { l1: amount("l1"), l2: 0 };
  if (name === "L2" || name === "l2") return { l1: 0, l2: amount("l2") };
  if (name === "L1L2" || name === "l1_l2") return { l1: number(config, "l1") || 0, l2: number(config, "l2") || 0 };
  throw new ModelFileError(
    `${owner}: ${option} is ${shown(name)}, which is not supported; set it to L1, L2 or None before saving`,
  );
}

export function writeRegularizer(value: Regularizer | null): Json {
  return value && described("keras.regularizers", "L1L2", { l1: value.l1, l2: value.l2 });
}

/** The name of a data type or a dtype policy. */
export function typeName(value: unknown): unknown {
  if (!isFields(value)) return value;
  return isFields(value.config) ? value.config.name : value.class_name;
}

/** @throws ModelFileError for a layer that does not compute in float32 */
export function expectFloat32(owner: string, value: unknown): void {
  const name = typeName(value);
  if (name === undefined || name === null || name === "float32") return;
  throw new ModelFileError(
    `${owner} computes in ${shown(name)}, but only float32 is supported; rebuild the model with keras.config.set_dtype_policy("float32"), set its weights, and save it`,
  );
}
