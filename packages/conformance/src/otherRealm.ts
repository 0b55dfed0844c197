/** A training and a prediction whose data are arrays of some realm: a frame, a `vm` context, the sandbox of a test runner. */
import { adam, type Backend, binaryCrossentropy, compile, predictor, type Tensor, type Tensors } from "@ostinato/core";
import { textModel } from "./suite/recurrent/textModel.ts";

/** The constructors of a realm. */
export interface Realm {
  readonly Array: ArrayConstructor;
  readonly Float32Array: Float32ArrayConstructor;
  readonly Int32Array: Int32ArrayConstructor;
}

/** The weights after three steps, and what a predictor from them says; the same numbers in every realm. */
export async function trainedIn(
  realm: Realm,
  backend: Backend,
): Promise<{ readonly weights: Tensors; readonly predicted: Tensor }> {
  const rows = [
    [1, 2, 3],
    [4, 5],
    [6, 7, 8],
  ];
  const x = realm.Array.from(rows, (row) => realm.Int32Array.from(row));
  const y = realm.Int32Array.of(0, 1, 1);
  const sampleWeights = realm.Float32Array.of(1, 0.5, 2);
  await using trainer = await compile(textModel({ words: 9 }), {
    backend,
    loss: binaryCrossentropy(),
    optimizer: adam(),
    seed: 1,
  });
  await trainer.fit({ x, y, sampleWeights }, { epochs: 3, batchSize: 3 });
  const { spec, weights } = await trainer.snapshot();
  const there = Object.fromEntries(
    Object.entries(weights).map(([name, { shape, data }]) => [
      name,
      { dtype: "float32" as const, shape: realm.Array.from(shape), data: realm.Float32Array.from(data) },
    ]),
  );
  await using one = await predictor({ spec, weights: there }, { backend });
  const ids = realm.Int32Array.from([1, 2, 3, 4, 5, 0]);
  const predicted = await one.predict({ dtype: "int32", shape: realm.Array.of(2, 3), data: ids });
  return { weights, predicted: predicted as Tensor };
}
