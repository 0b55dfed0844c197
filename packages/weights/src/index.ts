/** The public names of @ostinato/weights. */
export { exportKeras } from "./keras/exportKeras.ts";
export { type ImportKerasOptions, importKeras } from "./keras/importKeras.ts";
export { type LoadKerasOptions, loadKeras } from "./keras/loadKeras.ts";
export { fromNpy, fromNpz, toNpz } from "./npz.ts";
export { type LoadPytorchOptions, loadPytorch } from "./pytorch/load.ts";
export type { ModuleMap } from "./pytorch/map.ts";
export { type ToPytorchOptions, toPytorch } from "./pytorch/save.ts";
