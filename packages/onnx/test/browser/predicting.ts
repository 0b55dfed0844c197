/** The part of a page that predicts with models, for measuring its size. */
export { onnxPredictor } from "@ostinato/onnx/web";
