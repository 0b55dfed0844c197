/** The part of a page that writes models, for measuring its size. */
export { exportOnnx } from "@ostinato/onnx";
