/** The public names of @ostinato/core/node: what needs files. */
export { makeFolder, writeFileAtomic } from "./atomic.ts";
export { loadCheckpoint, previousOf, saveCheckpoint } from "./checkpoints.ts";
export { csvLogger } from "./csvLogger.ts";
export { loadModel, saveModel } from "./files.ts";
export { type FolderLock, lockFolder } from "./lock.ts";
export { type TensorBoardOptions, tensorBoard } from "./tensorBoard.ts";
