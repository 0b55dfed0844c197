/** Taggers from files, in Node.js: `@ostinato/tagger/node`. */
export { type FileTaggerOptions, tagger } from "./tagger.ts";
