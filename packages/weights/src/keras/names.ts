/** Names of layers, here and in Keras. */

/** Operations that Keras adds to compute masks when it opens a model, by the names that it gives them. */
const operations = "concatenate|any|logical_or|expand_dims|zeros_like|ones_like|not_equal|convert_to_tensor";
const taken = new RegExp(`^(?:${operations})(?:_\\d+)?$`);
const renamed = new RegExp(`^((?:${operations})(?:_\\d+)?)_layer$`);

/** The name of a layer in a Keras model with masks. It must differ from those of operations. */
export const besideOperations = (name: string): string => (taken.test(name) ? `${name}_layer` : name);

/** A Keras name with all characters replaced that our names may not contain. */
export function plainName(name: string): string {
  const plain = (renamed.exec(name)?.[1] ?? name).replace(/[^\w.-]/g, "_").slice(0, 180) || "unnamed";
  return plain in Object.prototype ? `${plain}_` : plain;
}

/** Makes names unique by appending a number. */
export class Names {
  readonly #counts = new Map<string, number>();

  take(given: string): string {
    let name = given;
    while (this.#counts.has(name)) {
      const count = this.#counts.get(given) as number;
      this.#counts.set(given, count + 1);
      name = `${given}_${count}`;
    }
    this.#counts.set(name, 1);
    return name;
  }
}
