/** Text classifiers from files, in Node.js: `@ostinato/classifier/node`. */
export { type FileClassifierOptions, textClassifier } from "./textClassifier.ts";
