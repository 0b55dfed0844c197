/** Text classifiers from files, in Node.js: `@ostinato/classifier/node`. */
export { type OpenModelOptions, openModel } from "./openModel.ts";
export { type FileClassifierOptions, textClassifier } from "./textClassifier.ts";
