/** Text classifiers from files, in Node.js: `@ostinato/classifier/node`. */
export {
  type GivenModel,
  importOnnx,
  type OpenModelOptions,
  onnxBytes,
  openModel,
  readTrained,
  withModel,
} from "./openModel.ts";
export { type FileClassifierOptions, textClassifier } from "./textClassifier.ts";
