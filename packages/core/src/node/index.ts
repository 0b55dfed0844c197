/** The public names of @ostinato/core/node: what needs files. */
export { writeFileAtomic } from "./atomic.ts";
export { loadModel, saveModel } from "./files.ts";
