/** Write Ostinato models as ONNX files, and predict with onnxruntime. */
export {};
