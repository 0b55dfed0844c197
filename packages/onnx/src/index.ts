/** Write Ostinato models as ONNX files: `@ostinato/onnx`. */
export { type DecodingExportOptions, type DecodingFiles, exportDecoding } from "./decoding.ts";
export { printOnnx } from "./file/print.ts";
export type { OnnxModel } from "./file/schema.ts";
export { decodeOnnx } from "./file/wire.ts";
export { graphFromOnnx, type ReadGraph } from "./import/model.ts";
export { graphToOnnx, type OnnxOptions } from "./model.ts";
export { type ExportOptions, exportOnnx } from "./trained.ts";
