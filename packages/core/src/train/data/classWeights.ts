/** Class weights: how much each class counts in the loss, as the weight of each row. */
import { ConfigError, DataError } from "../../errors.ts";
import { isRecord, shown } from "../../nn/options.ts";
import { classOf } from "../../tensor.ts";

/** The weight of each class, by its number; a class that is left out weighs 1. */
export type ClassWeights = Readonly<Record<number, number>>;

/** @throws ConfigError that begins with `owner` where it is not a record of weights from 0 on by class */
export function checkClassWeights(owner: string, classWeight: unknown): ClassWeights {
  if (!isRecord(classWeight) || classOf(classWeight) !== "Object")
    throw new ConfigError(
      `${owner}: classWeight must be weights by class, such as { 0: 1, 1: 3 }, got ${isRecord(classWeight) ? `an object (${classOf(classWeight)})` : shown(classWeight)}`,
    );
  for (const [name, weight] of Object.entries(classWeight)) {
    if (!/^\d+$/.test(name))
      throw new ConfigError(`${owner}: classWeight has the class ${shown(name)}; classes are whole numbers from 0 on`);
    if (typeof weight !== "number" || !(weight >= 0 && weight < Number.POSITIVE_INFINITY))
      throw new ConfigError(`${owner}: classWeight of class ${name} must be a number from 0 on, got ${shown(weight)}`);
  }
  return classWeight as ClassWeights;
}

/**
 * The weight of each row, as in Keras: of the class that its label names, or of the largest of `width` numbers.
 *
 * @param targets whole numbers, one a row (of an output over time give the labels of one row after another: `labels.map((row) => weightsOfClasses(weights, row))`); with a `width` over 1, so many numbers a row
 * @throws DataError where a label is not a whole number
 * @example weightsOfClasses({ 0: 1, 1: 3 }, [1, 0, 1]) // Float32Array [3, 1, 3]
 */
export function weightsOfClasses(classWeight: ClassWeights, targets: ArrayLike<number>, width = 1): Float32Array {
  const weights = new Float32Array(Math.ceil(targets.length / width));
  for (let row = 0; row < weights.length; row++) {
    let label = targets[row * width] as number;
    if (width === 1 && !Number.isInteger(label))
      throw new DataError(`classWeight: the target of row ${row} is ${shown(label)}; only whole numbers are classes`);
    if (width > 1) {
      label = 0;
      for (let k = 1; k < width; k++)
        if ((targets[row * width + k] as number) > (targets[row * width + label] as number)) label = k;
    }
    weights[row] = Object.hasOwn(classWeight, label) ? (classWeight[label] as number) : 1;
  }
  return weights;
}
