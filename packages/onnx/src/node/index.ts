/** Predict with onnxruntime in Node: `@ostinato/onnx/node`. */
export { type OnnxPredictor, onnxPredictor } from "./predictor.ts";
export { type OnnxSequenceModel, onnxSequenceModel, type SequenceModelFiles } from "./sequenceModel.ts";
export { type OnnxSession, openSession, type SessionOptions } from "./session.ts";
export type { OnnxValue } from "./signature.ts";
