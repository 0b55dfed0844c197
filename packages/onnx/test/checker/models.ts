/** Files of every kind that this package writes, for the checker. */
import { coupledLstm, layerNormLstm, minGru, peepholeLstm, projectionLstm, sLstm } from "@ostinato/cells";
import { trialNames as allTrials, attend, blend, gated, residual, scale, trialNamed } from "@ostinato/conformance";
import {
  bidirectional,
  dense,
  embedding,
  type Graph,
  gru,
  input,
  lstm,
  type Model,
  model,
  recursiveTensor,
  rnn,
  sequential,
  simpleRnn,
  timeDistributed,
  treeGru,
  treeLstm,
  UnsupportedOpError,
} from "@ostinato/core";
import { exportDecoding, exportOnnx, graphToOnnx, type OnnxOptions } from "@ostinato/onnx";
import { trainedOf } from "../models.ts";
import { ids, scored, writers } from "../writers.ts";

/** A file by name. */
export type Files = Readonly<Record<string, Uint8Array>>;

/** Ops that are only used in training, or made for a backend after gradients, have no form in ONNX. */
const ofTraining =
  /^(losses|metrics|training) > |Grad$|^ops > (dropoutMask|normalNoise|softmaxCrossentropy|biasedDot|gatheredDot|fused)$|^layers > (dropout|spatialDropout1d and gaussianNoise|several outputs|states of .*)$/;

/** The random trials that can be exported: every op, scans, random graphs, and layers of every kind with their inputs. */
export const trialNames = allTrials.filter((name) => !ofTraining.test(name));

/** The number of attempts and of written models; some random models are only for training. */
const drawn = { tried: 24, written: 2 };

/** The files of a trial. */
export function trialFiles(name: string, options: OnnxOptions): Files {
  const files: Record<string, Uint8Array> = {};
  for (let seed = 1; seed <= drawn.tried && Object.keys(files).length < drawn.written; seed++) {
    const fetches = Object.entries(trialNamed(name, seed).fetches).map(([of, value]) => [`${of} out`, value]);
    const graph: Graph = { fetches: Object.fromEntries(fetches), updates: [] };
    try {
      files[`${name} ${seed}`] = graphToOnnx(graph, {}, options);
    } catch (error) {
      if (!(error instanceof UnsupportedOpError)) throw error;
    }
  }
  return files;
}

const words = () => embedding({ inputDim: 40, outputDim: 16, maskZero: true });

/** Recurrences of each kind that support streams. */
const streams = (): Model =>
  sequential([
    words(),
    lstm({ units: 16, returnSequences: true }),
    gru({ units: 16, returnSequences: true }),
    gru({ units: 16, returnSequences: true, resetAfter: false }),
    simpleRnn({ units: 16, returnSequences: true }),
    rnn([minGru({ units: 16 }), peepholeLstm({ units: 16 })], { returnSequences: true }),
    dense({ units: 2 }),
  ]);

/** Cells from papers, bidirectional or reversed; custom layers. */
function ownKinds(): Model {
  const x = words()(input({ shape: ["time"], name: "words" }));
  const cells = [coupledLstm, layerNormLstm, minGru, peepholeLstm, sLstm].map((cell) => cell({ units: 16 }));
  const read = cells.map((cell) => bidirectional(rnn(cell, { returnSequences: true }))(x));
  const projected = rnn(projectionLstm({ units: 16, projection: 5 }), { returnSequences: true, reverse: true })(x);
  const [first] = read;
  const own = timeDistributed(gated({ units: 16, rate: 0.1 }))(first as NonNullable<typeof first>);
  const memory = scale({ initial: 0.7, rate: 0.1 })(residual({ layer: dense({ units: 16 }) })(blend()([x, own])));
  const state = lstm({ units: 16 })(projected);
  return model(x.call?.inputs[0] as ReturnType<typeof input>, {
    memory,
    attended: attend()([memory, state]),
    ...Object.fromEntries(read.map((y, i) => [`read${i}`, y])),
  });
}

/** States passed between layers, and from inputs. */
function handedOn(): Model {
  const [asked, start] = [ids("asked"), input({ shape: [16], name: "start" })];
  const [y, h, c] = lstm({ units: 16, returnSequences: true, returnState: true })(words()(asked), {
    initialState: [start, start],
  });
  const [z, last] = gru({ units: 16, returnSequences: true, returnState: true })(y, { initialState: [h] });
  const end = simpleRnn({ units: 16 })(z, { initialState: [last] });
  return model([asked, start], { scores: scored(z), c, end });
}

/** Layers over trees: any number of children, and places of their own. */
function ofTrees(): Model {
  const x = input({ shape: ["nodes"], tree: true, name: "trees" });
  const nodes = treeLstm({ units: 16, returnSequences: true })(words()(x));
  const places = treeGru({ units: 16, type: "nary", arity: 3, returnSequences: true })(nodes);
  return model(x, { nodes: dense({ units: 2 })(places), root: recursiveTensor({ units: 16 })(places) });
}

/** Trained models in every export format. */
export function modelFiles(options: OnnxOptions): Files {
  const files: Record<string, Uint8Array> = {};
  const kinds = { streams: streams(), "own kinds": ownKinds(), "states handed on": handedOn(), trees: ofTrees() };
  for (const [name, made] of Object.entries(kinds)) {
    const trained = trainedOf(made);
    for (const weights of ["float32", "float16", "int8"] as const)
      files[`${name}, ${weights}`] = exportOnnx(trained, { ...options, weights });
    files[`${name}, int64`] = exportOnnx(trained, { ...options, tokenType: "int64" });
  }
  files["streams, states"] = exportOnnx(trainedOf(streams()), { ...options, states: true, tokenType: "int64" });
  for (const [name, make] of Object.entries(writers)) {
    const trained = trainedOf(make());
    for (const [form, given] of Object.entries({
      plain: {},
      small: { weights: "int8", tokenType: "int64" },
    } as const)) {
      const { encode, decodeStep } = exportDecoding(trained, { ...options, ...given });
      files[`${name}, ${form}, decodeStep`] = decodeStep;
      if (encode) files[`${name}, ${form}, encode`] = encode;
    }
  }
  return files;
}
