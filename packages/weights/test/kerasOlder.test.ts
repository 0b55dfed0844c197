/** Archives of older Keras versions, made from those of Keras 3: Keras 2 descriptions, and the weight locations of Keras 2.13. */
import { dense, float32, gru, input, masking, model, parametersOf, sequential, zeros } from "@ostinato/core";
import { expect, test } from "vitest";
import { type Group, openHdf5 } from "../src/hdf5/read.ts";
import { type Written, type WrittenGroup, writeHdf5 } from "../src/hdf5/write.ts";
import { exportKeras, importKeras, loadKeras } from "../src/index.ts";
import { openZip, writeZip } from "../src/zip.ts";
import { kerasCases } from "./kerasFiles.ts";

const [decode, encode] = [new TextDecoder(), new TextEncoder()];

/** Replaces a member of an archive. */
function changed(bytes: Uint8Array, name: string, change: (member: Uint8Array) => Uint8Array): Uint8Array {
  const { names, member } = openZip(bytes);
  return writeZip(Object.fromEntries(names.map((own) => [own, own === name ? change(member(own)) : member(own)])));
}

interface Described {
  module?: string;
  registered_name?: unknown;
  class_name: string;
  config: Record<string, unknown>;
  inbound_nodes: unknown[];
}

/** `["lstm", 0, 1]` for a tensor. */
const triple = (tensor: unknown): unknown =>
  Array.isArray(tensor)
    ? tensor.map(triple)
    : ((tensor as { config?: { keras_history?: unknown } } | null)?.config?.keras_history ?? tensor);

/** Converts a description to Keras 2: no modules, no operations, and calls as lists. */
function older(text: string): string {
  const description = JSON.parse(text);
  const layers: Described[] = description.config.layers.filter(
    ({ module }: Described) => !module?.startsWith("keras.src.ops"),
  );
  for (const layer of layers) {
    delete layer.module;
    delete layer.registered_name;
    if (layer.class_name === "InputLayer") {
      layer.config.batch_input_shape = layer.config.batch_shape;
      delete layer.config.batch_shape;
    }
    layer.inbound_nodes = layer.inbound_nodes.map((node) => {
      const { args, kwargs } = node as { args: [unknown]; kwargs: Record<string, unknown> };
      const { mask: _, ...others } = kwargs;
      const named = Object.fromEntries(Object.entries(others).map(([name, value]) => [name, triple(value)]));
      const read = [args[0]].flat().map((tensor) => triple(tensor) as unknown[]);
      return read.map((one, i) => (i === 0 ? [...one, named] : [...one, {}]));
    });
  }
  description.config.layers = layers;
  return JSON.stringify(description);
}

test.each(["everything", "translator"] as const)("descriptions of Keras 2: %s", (name) => {
  const { keras } = kerasCases[name];
  const again = changed(keras, "config.json", (member) => encode.encode(older(decode.decode(member))));
  expect(importKeras(again)).toEqual(importKeras(keras));
});

/** As if written by Keras 2.15. */
const before3 = (bytes: Uint8Array): Uint8Array =>
  changed(bytes, "metadata.json", () => encode.encode('{"keras_version":"2.15.0"}'));

test("the hard sigmoid was another function before Keras 3", () => {
  expect(() => importKeras(before3(kerasCases.everything.keras))).toThrow(
    /LSTM "lstm": recurrent_activation is "hard_sigmoid", which was 0.2 x \+ 0.5 before Keras 3/,
  );
});

test("before Keras 3 calls with initial states had masks", () => {
  const x = input({ shape: ["time", 2] });
  const [y, h] = gru({ units: 2, returnSequences: true, returnState: true })(masking()(x));
  const network = model(x, gru({ units: 2, returnSequences: true, name: "second" })(y, { initialState: [h] }));
  const weights = Object.fromEntries(parametersOf(network).map(({ name, shape }) => [name, zeros("float32", shape)]));
  const written = exportKeras({ spec: network.spec, weights });
  // Its last output, and not its sequence.
  const last = changed(written, "config.json", (member) => {
    const text = decode.decode(member);
    const at = text.lastIndexOf('"return_sequences":true');
    return encode.encode(`${text.slice(0, at)}"return_sequences":false${text.slice(at + 23)}`);
  });
  expect(() => importKeras(last)).toThrow(/it is called with initial states and without a mask/);
  expect(importKeras(before3(last)).spec.layers).toHaveLength(3);
});

/** A weight file with other group names. */
function renamed(group: Group): WrittenGroup {
  const members = [...group.members].map(([name, member]): [string, Written] => {
    if (member.kind === "group") return [name === "layers" ? "_layer_checkpoint_dependencies" : name, renamed(member)];
    const { shape, data } = member.read();
    return [name, { shape, data }];
  });
  return { members: Object.fromEntries(members) };
}

test("weights of Keras 2.13", () => {
  const { keras } = kerasCases.inside;
  const again = changed(keras, "model.weights.h5", (member) => writeHdf5(renamed(openHdf5(member))));
  const imported = importKeras(keras);
  expect(importKeras(again)).toEqual(imported);
  expect(loadKeras(imported, again)).toEqual(imported);
});

test("lists of names that were cut in pieces, as Keras does with long ones", () => {
  const [kernel, bias] = [new Float32Array([1, 2]), new Float32Array([3])];
  const file = writeHdf5({
    attributes: { layer_names0: "nothing", layer_names1: "verdict" },
    members: {
      nothing: { members: {} },
      verdict: {
        attributes: { weight_names0: "verdict/kernel:0", weight_names1: "verdict/bias:0" },
        members: {
          verdict: { members: { "kernel:0": { shape: [2, 1], data: kernel }, "bias:0": { shape: [1], data: bias } } },
        },
      },
    },
  });
  const { weights } = loadKeras(sequential([input({ shape: [2] }), dense({ units: 1 })]), file);
  expect(weights).toEqual({ "dense/kernel": float32([2, 1], kernel), "dense/bias": float32([1], bias) });
});
