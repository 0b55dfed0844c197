/** Prediction with onnxruntime in Node, and reading of models with external data: `@ostinato/onnx/node`. */
export type { ModelFile } from "../runtime/bytes.ts";
export type { OnnxPredictor } from "../runtime/predictor.ts";
export type { OnnxSequenceModel, SequenceModelFiles } from "../runtime/sequenceModel.ts";
export type { OnnxSession } from "../runtime/session.ts";
export type { OnnxValue } from "../runtime/signature.ts";
export { type LoadOptions, loadOnnx } from "./load.ts";
export { onnxPredictor, onnxSequenceModel, openSession, type SessionOptions } from "./open.ts";
