/** The public names of @ostinato/weights. */
export { fromNpy, fromNpz, toNpz } from "./npz.ts";
