/** Translators from files, in Node.js: `@ostinato/translator/node`. */
export { type FileTranslatorOptions, type TranslatorFiles, translator } from "./translator.ts";
