/** Prediction with onnxruntime in browsers: `@ostinato/onnx/web`. */
export type { ModelFile } from "../runtime/bytes.ts";
export type { OnnxPredictor } from "../runtime/predictor.ts";
export type { OnnxSequenceModel, SequenceModelFiles } from "../runtime/sequenceModel.ts";
export type { OnnxSession } from "../runtime/session.ts";
export type { OnnxValue } from "../runtime/signature.ts";
export { onnxPredictor, onnxSequenceModel, openSession, type SessionOptions } from "./open.ts";
export type { ExecutionProvider, OnnxRuntimeWeb, WasmPaths } from "./runtime.ts";
