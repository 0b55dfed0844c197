/** The public names of @ostinato/weights. */
export { fromNpy, fromNpz, toNpz } from "./npz.ts";
export { type LoadPytorchOptions, loadPytorch } from "./pytorch/load.ts";
export type { ModuleMap } from "./pytorch/map.ts";
export { type ToPytorchOptions, toPytorch } from "./pytorch/save.ts";
