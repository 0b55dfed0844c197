/** What a page needs to predict with models, for measuring what it weighs. */
export { onnxPredictor } from "@ostinato/onnx/web";
