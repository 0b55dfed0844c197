/** What a page needs to write models, for measuring what it weighs. */
export { exportOnnx } from "@ostinato/onnx";
