/** Write Ostinato models as ONNX files: `@ostinato/onnx`. */
export { type DecodingExportOptions, type DecodingFiles, exportDecoding } from "./decoding.ts";
export { printOnnx } from "./file/print.ts";
export type { OnnxModel } from "./file/schema.ts";
export { decodeOnnx } from "./file/wire.ts";
export { importDecoding } from "./import/decoding.ts";
export { graphFromOnnx, type ReadGraph } from "./import/model.ts";
export type { ImportOptions } from "./import/options.ts";
export { importOnnx } from "./import/trained.ts";
export { type GraphExportOptions, graphToOnnx, type OnnxOptions, type TokenOptions } from "./model.ts";
export { type ExportOptions, exportOnnx } from "./trained.ts";
export type { TokenType } from "./types/tokens.ts";
export type { WeightType } from "./types/weights.ts";
