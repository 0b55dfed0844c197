/** The public names of @ostinato/core/node: what needs files. */
export { makeFolder, writeFileAtomic } from "./atomic.ts";
export { loadModel, saveModel } from "./files.ts";
