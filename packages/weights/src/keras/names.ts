/** Names of layers, here and in Keras. */

/** Operations of Keras that masks are computed with when a model is opened, by the names that it gives them. */
const operations = "concatenate|any|logical_or|expand_dims|zeros_like|ones_like|not_equal|convert_to_tensor";
const taken = new RegExp(`^(?:${operations})(?:_\\d+)?$`);
const renamed = new RegExp(`^((?:${operations})(?:_\\d+)?)_layer$`);

/** What a layer is called in a model of Keras that has masks, in which no operation may have its name. */
export const besideOperations = (name: string): string => (taken.test(name) ? `${name}_layer` : name);

/** A name of Keras as one of ours, which has no letters but those of words. */
export function plainName(name: string): string {
  const plain = (renamed.exec(name)?.[1] ?? name).replace(/[^\w.-]/g, "_").slice(0, 180) || "unnamed";
  return plain in Object.prototype ? `${plain}_` : plain;
}

/** Gives each name once: one that is taken has a number behind it. */
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
