/** Model files: the same model gives the same bytes and comes back; models that cannot be are refused with what is wrong. */
import {
  ConfigError,
  checkpointToBytes,
  dense,
  float32,
  fromBytes,
  inferenceGraph,
  input,
  type Json,
  ModelFileError,
  type ModelSpec,
  parseJson,
  parseModelSpec,
  sequential,
  type Trained,
  toBytes,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";
import { smallCheckpoint } from "./checkpoints.ts";
import { edited, putTogether, smallModel } from "./models.ts";

const trained = smallModel({
  vocabulary: { tokens: ["the", "é", "__proto__"] },
  metadata: { epochs: 3, note: 'a "quote"' },
});
const bytes = toBytes(trained);

describe("round trip", () => {
  test("spec, weights, vocabulary and metadata come back, and give the same bytes again", () => {
    expect(fromBytes(bytes)).toEqual(trained);
    expect(toBytes(fromBytes(bytes))).toEqual(bytes);
    expect(toBytes(smallModel({ vocabulary: trained.vocabulary!, metadata: trained.metadata! }))).toEqual(bytes);
  });

  test("each of a list of files is read", () => {
    expect([bytes, bytes].map(untyped(fromBytes))).toEqual([trained, trained]);
  });

  test("without vocabulary and metadata there are none", () => {
    const bare = smallModel();
    expect(fromBytes(toBytes(bare))).toEqual(bare);
    expect(Object.keys(fromBytes(toBytes(bare))).sort()).toEqual(["spec", "weights"]);
  });

  test("a vocabulary may be any JSON", () => {
    for (const vocabulary of [null, 0, "", [], { __proto__: null, a: [1, null, { b: "🙂" }] }] as Json[])
      expect(fromBytes(toBytes(smallModel({ vocabulary }))).vocabulary).toEqual(vocabulary);
  });

  test("the order in which weights were put together does not matter", () => {
    const turned = { ...trained, weights: Object.fromEntries(Object.entries(trained.weights).reverse()) };
    expect(toBytes(turned)).toEqual(bytes);
  });
});

describe("weights that are not the model's are refused, before they are written and after they are read", () => {
  const { weights } = trained;
  const { "head/bias": bias, ...rest } = weights;
  const wrong: Readonly<Record<string, readonly [Trained["weights"], string]>> = {
    missing: [rest, '"head/bias" are missing'],
    extra: [{ ...weights, "head/other": bias! }, '"head/other" belong to no layer'],
    "of another shape": [
      { ...weights, "head/bias": float32([2], [0, 0]) },
      '"head/bias" are float32[2]; the model needs float32[1]',
    ],
    "of another type": [
      { ...weights, "head/bias": { dtype: "float64", shape: [1], data: Float64Array.of(1) } },
      "float64[1]",
    ],
    inherited: [Object.assign(Object.create({ "head/bias": bias }), rest), '"head/bias" are missing'],
  };
  for (const [name, [given, words]] of Object.entries(wrong)) {
    test(name, () => {
      expect(() => toBytes({ ...trained, weights: given })).toThrow(ModelFileError);
      expect(() => toBytes({ ...trained, weights: given })).toThrow(words);
    });
  }

  test("read from a file", () => {
    const renamed = edited(bytes, (header) => {
      header["head/other"] = header["head/bias"]!;
      delete header["head/bias"];
    });
    expect(() => fromBytes(renamed)).toThrow('"head/other" belong to no layer');
  });
});

type Spec = { inputs: Json[]; layers: Json[]; calls: Json[]; outputs: Json[] };

/** A model file whose spec was edited, by somebody who wrote no checksum. */
function withSpec(edit: (spec: { [K in keyof Spec]: Record<string, Json>[] }) => unknown): Uint8Array {
  return edited(bytes, (header) => {
    const metadata = header.__metadata__ as Record<string, string>;
    const spec = JSON.parse(metadata.spec!);
    edit(spec);
    metadata.spec = JSON.stringify(spec);
    delete metadata.checksum;
  });
}

function withMetadata(changes: Record<string, Json>): Uint8Array {
  return edited(bytes, (header) => Object.assign(header.__metadata__ as object, changes));
}

const manyCalls = (count: number): Json[] =>
  Array.from({ length: count }, (_, i) => ({ layer: 1, sources: [{ call: i }] }));

const wrong: Readonly<Record<string, readonly [Uint8Array, string]>> = {
  "a checkpoint": [checkpointToBytes(smallCheckpoint()), "a checkpoint of Ostinato, not a model: loadCheckpoint"],
  "other safetensors": [putTogether("{}", new Uint8Array(0)), "not a model of Ostinato"],
  "another format": [withMetadata({ format: "pt" }), "not a model of Ostinato"],
  "a later version": [withMetadata({ version: "2" }), "format version 2; this library reads version 1"],
  "no version": [withMetadata({ version: "" }), "format version"],
  "a spec that is no JSON": [withMetadata({ spec: "{" }), "its spec is not JSON"],
  "a spec that is null": [withMetadata({ spec: "null" }), "not an object"],
  "an empty spec": [withMetadata({ spec: "{}" }), "inputs are not a list"],
  "a vocabulary that nests too deep to be written again": [
    withMetadata({ vocabulary: `${"[".repeat(5000)}${"]".repeat(5000)}` }),
    "its vocabulary is not JSON, or nests too deep",
  ],
  "a vocabulary that is no JSON": [withMetadata({ vocabulary: "nope" }), "its vocabulary is not JSON"],
  "metadata that are a list": [withMetadata({ metadata: "[]" }), "metadata is not an object"],
  "no inputs": [
    withSpec((spec) => {
      spec.inputs = [];
    }),
    "something that is not there",
  ],
  "no outputs": [
    withSpec((spec) => {
      spec.outputs = [];
    }),
    "no inputs or no outputs",
  ],
  "an unknown layer": [
    withSpec((spec) => {
      spec.layers[0]!.kind = "conv1d";
    }),
    'the model\'s layer "embedding" is of an unknown kind, "conv1d"; where it is one of your own, pass what defineLayer made for it in the options of what reads the model: { layers: [conv1d] }; known are embedding, ',
  ],
  "a layer of kind constructor": [
    withSpec((spec) => {
      spec.layers[0]!.kind = "constructor";
    }),
    "unknown kind",
  ],
  "a layer of kind __proto__": [
    withSpec((spec) => {
      spec.layers[0]!.kind = "__proto__";
    }),
    "unknown kind",
  ],
  "a layer that is a number": [
    withSpec((spec) => {
      spec.layers[0] = untyped(3);
    }),
    "a layer of the model has no kind",
  ],
  "a layer without a name": [
    withSpec((spec) => {
      delete spec.layers[0]!.name;
    }),
    "name among the model's layers",
  ],
  "a layer called __proto__": [
    withSpec((spec) => {
      spec.layers[0]!.name = "__proto__";
    }),
    "name among the model's layers",
  ],
  "a layer with a path for a name": [
    withSpec((spec) => {
      spec.layers[0]!.name = "../x";
    }),
    "name among the model's layers",
  ],
  "two layers of one name": [
    withSpec((spec) => {
      spec.layers[0]!.name = "head";
    }),
    "share a name",
  ],
  "a config with an unknown option": [
    withSpec((spec) => {
      spec.layers[0]!.config = { inputDim: 5, outputDim: 2, run: "x" };
    }),
    'embedding "embedding" has no option "run"',
  ],
  "a config without units": [
    withSpec((spec) => {
      spec.layers[3]!.config = {};
    }),
    'dense "head": units',
  ],
  "a config that is missing": [
    withSpec((spec) => {
      delete spec.layers[3]!.config;
    }),
    "takes an object",
  ],
  "units beyond all memory": [
    withSpec((spec) => {
      spec.layers[2]!.config = { units: 2 ** 50 };
    }),
    "the model needs float32",
  ],
  "a call of a layer that is not there": [
    withSpec((spec) => {
      spec.calls[0]!.layer = 9;
    }),
    "a layer that is not there",
  ],
  "a call of layer -1": [
    withSpec((spec) => {
      spec.calls[0]!.layer = -1;
    }),
    "a layer that is not there",
  ],
  "a call of half a layer": [
    withSpec((spec) => {
      spec.calls[0]!.layer = 0.5;
    }),
    "a layer that is not there",
  ],
  "a call that reads itself": [
    withSpec((spec) => {
      spec.calls[0]!.sources = [{ call: 0 }];
    }),
    "something that is not there",
  ],
  "a circle": [
    withSpec((spec) => {
      spec.calls[1]!.sources = [{ call: 3 }];
    }),
    "something that is not there",
  ],
  "an input that is not there": [
    withSpec((spec) => {
      spec.calls[0]!.sources = [{ input: 1 }];
    }),
    "something that is not there",
  ],
  "an output of a call that is not there": [
    withSpec((spec) => {
      spec.outputs[0]!.source = { call: 4 };
    }),
    "something that is not there",
  ],
  "an output called __proto__": [
    withSpec((spec) => {
      spec.outputs[0]!.name = "__proto__";
    }),
    "name among the model's outputs",
  ],
  "a layer that cannot take what it reads": [
    withSpec((spec) => {
      spec.calls[2]!.sources = [{ input: 0 }];
    }),
    'lstm "lstm" takes a sequence',
  ],
  "an activation of ids": [
    withSpec((spec) => {
      spec.calls[3]!.sources = [{ input: 0 }];
    }),
    "takes a sequence",
  ],
  "an output of ids": [
    withSpec((spec) => {
      spec.outputs[0]!.source = { input: 0 };
    }),
    'the output "probability" is an input',
  ],
  "an input of an unknown kind": [
    withSpec((spec) => {
      spec.inputs[0]!.kind = "image";
    }),
    "an input of the model",
  ],
  "an input whose shape is another kind's": [
    withSpec((spec) => {
      spec.inputs[0]!.shape = [3];
    }),
    "an input of the model",
  ],
  "an input with no size": [
    withSpec((spec) => {
      spec.inputs[0]!.kind = "features";
      spec.inputs[0]!.shape = [0];
    }),
    "an input of the model",
  ],
  "an input that names its batch": [
    withSpec((spec) => {
      spec.inputs[0]!.shape = ["batch"];
    }),
    "an input of the model",
  ],
  "a size with the name of something inherited": [
    withSpec((spec) => {
      spec.inputs[0]!.shape = ["__proto__"];
    }),
    "an input of the model",
  ],
  "two inputs of one name": [
    withSpec((spec) => {
      spec.inputs.push(spec.inputs[0]!);
    }),
    "share a name",
  ],
  "too many calls": [
    withSpec((spec) => {
      spec.calls.push(...(manyCalls(10_001) as typeof spec.calls));
    }),
    "too many",
  ],
};

function untyped(value: unknown): never {
  return value as never;
}

describe("wrong model files", () => {
  for (const [name, [given, words]] of Object.entries(wrong)) {
    test(name, () => {
      expect(() => fromBytes(given)).toThrow(ModelFileError);
      expect(() => fromBytes(given)).toThrow(words);
    });
  }

  test("a bit that has changed in a weight", () => {
    for (const place of [1, 17, 40]) {
      const damaged = bytes.slice();
      damaged[damaged.length - place] = (damaged[damaged.length - place] as number) ^ 1;
      expect(() => fromBytes(damaged)).toThrow(ModelFileError);
      expect(() => fromBytes(damaged)).toThrow("its checksum is not that of what it holds");
    }
  });

  test("a model of very many calls is read in time", () => {
    const deep = withSpec((spec) => {
      spec.calls = [
        spec.calls[0]!,
        ...(manyCalls(9_000) as typeof spec.calls),
        { layer: 2, sources: [{ call: 9_000 }] },
        { layer: 3, sources: [{ call: 9_001 }] },
      ];
      spec.outputs[0]!.source = { call: 9_002 };
    });
    expect(fromBytes(deep).spec.calls).toHaveLength(9_003);
  });
});

test("what is no trained model is not written, and said to be none", () => {
  const { spec } = trained;
  for (const [given, found] of [
    [undefined, "undefined"],
    ["model.safetensors", '"model.safetensors"'],
    [{ spec }, "a model without weights"],
    [Promise.resolve(trained), "a promise: await it"],
  ] as [Trained, string][])
    expect(() => toBytes(given)).toThrow(
      `saveModel or toBytes: the model must be what await trainer.snapshot() or await loadModel(…) gave, got ${found}`,
    );
});

test("a spec that was copied as plain data has to be read before it is built, and says so", () => {
  const { spec } = sequential([input({ shape: [2] }), dense({ units: 1, name: "head" })]);
  for (const copy of [structuredClone(spec), JSON.parse(JSON.stringify(spec)) as ModelSpec]) {
    expect(copy).toEqual(spec);
    expect(() => inferenceGraph(copy)).toThrow(ConfigError);
    expect(() => inferenceGraph(copy)).toThrow('dense "head" is plain data, without what builds it');
    expect(inferenceGraph(parseModelSpec(copy)).fetches.output?.type.shape).toEqual(["batch", 1]);
  }
});

test("JSON of files is read where it nests no deeper than what can be written again", () => {
  const nested = (depth: number): string => `${"[".repeat(depth)}${"]".repeat(depth)}`;
  expect(parseJson('{ "words": ["a", null, 1] }')).toEqual({ words: ["a", null, 1] });
  expect(JSON.stringify(parseJson(nested(1000)))).toBe(nested(1000));
  expect(() => parseJson(nested(1002))).toThrow(RangeError);
  expect(() => parseJson("{")).toThrow(SyntaxError);
});
