/** Random numbers of their own for every seed and every layer: names whose hashes collide, and seeds of more than 32 bits. */
import { reference } from "@ostinato/conformance";
import {
  compile,
  dense,
  dropout,
  input,
  type Model,
  meanSquaredError,
  nodesOf,
  RandomStream,
  rootsOf,
  sequential,
  sgd,
  siteOf,
  trainingGraph,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";

/** Found among names of this form. */
const [first, second] = ["decoder_encoder14048", "decoder_decoder9200"] as const;

const chain = (...names: readonly string[]): Model =>
  sequential([
    input({ shape: [4] }),
    ...names.flatMap((name) => [dense({ units: 4, name }), dropout({ rate: 0.5, name: `${name}_out` })]),
  ]);

async function weightsOf(model: Model, seed: number): Promise<Record<string, string>> {
  await using trainer = await compile(model, {
    backend: reference(),
    loss: meanSquaredError(),
    optimizer: sgd(),
    seed,
  });
  const { weights } = await trainer.snapshot();
  return Object.fromEntries(Object.entries(weights).map(([name, { data }]) => [name, data.join()]));
}

/** The key of every dropout mask of a model. */
function maskKeys(model: Model, seed: number): string[] {
  const graph = trainingGraph(model.spec, { loss: meanSquaredError(), metrics: [] }, sgd(), seed);
  return nodesOf(rootsOf(graph)).flatMap((node) =>
    node.op === "dropoutMask" ? [`${node.attrs.seed} ${node.attrs.site}`] : [],
  );
}

describe("two layers whose names have one hash", () => {
  test("are what these names are", () => {
    expect(siteOf(first)).toBe(siteOf(second));
    expect(siteOf(`${first}/kernel`)).toBe(siteOf(`${second}/kernel`));
    expect(siteOf(`${first}_out`)).toBe(siteOf(`${second}_out`));
  });

  test("begin with different weights, the first with those that it always had", async () => {
    const weights = await weightsOf(chain(first, second), 1);
    expect(weights[`${second}/kernel`]).not.toBe(weights[`${first}/kernel`]);
    expect(weights[`${first}/kernel`]).toBe((await weightsOf(chain(first, "other"), 1))[`${first}/kernel`]);
    expect(weights).toEqual(await weightsOf(chain(first, second), 1));
  });

  test("have different dropout masks, the first those that it always had", () => {
    const keys = maskKeys(chain(first, second, "third"), 1);
    expect(new Set(keys).size).toBe(3);
    expect(keys).toContain(`1 ${siteOf(`${first}_out`)}`);
    expect(maskKeys(chain(first, second, "third"), 1)).toEqual(keys);
  });
});

describe("a seed of more than 32 bits", () => {
  const alike = [1, 2 ** 32 + 1, 2 ** 33 + 1, 2 ** 52 + 1, Number.MAX_SAFE_INTEGER, 2 ** 32 - 1];

  test("gives other weights than its low bits do", async () => {
    const kernels = await Promise.all(
      alike.map(async (seed) => (await weightsOf(chain("layer"), seed))["layer/kernel"]),
    );
    expect(new Set(kernels).size).toBe(alike.length);
  });

  test("gives other masks, and other streams", () => {
    expect(new Set(alike.flatMap((seed) => maskKeys(chain("layer"), seed))).size).toBe(alike.length);
    expect(new Set(alike.map((seed) => new RandomStream(seed, "shuffle/0").bits())).size).toBe(alike.length);
  });

  test("of up to 32 bits it is the first word of the key, as it always was", () => {
    expect(new RandomStream(7, "lstm/W").bits()).toBe(3885978359);
    expect(maskKeys(chain("layer"), 2 ** 32 - 1)).toEqual([`${2 ** 32 - 1} ${siteOf("layer_out")}`]);
  });
});
