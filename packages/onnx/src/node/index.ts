/** Predict with onnxruntime in Node: `@ostinato/onnx/node`. */
export { type OnnxSession, openSession } from "./session.ts";
export type { OnnxValue } from "./signature.ts";
