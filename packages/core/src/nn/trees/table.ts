/** What builds each of the library's own layers of trees. */
import type { treeKinds } from "./kinds.ts";
import { recursive, recursiveTensor } from "./recursive.ts";
import { treeGru } from "./treeGru.ts";
import { treeLstm } from "./treeLstm.ts";
import { treeRnnLayer } from "./treeRnn.ts";

export const treeDefinitions = { treeLstm, treeGru, recursive, recursiveTensor, treeRnn: treeRnnLayer } satisfies {
  readonly [K in (typeof treeKinds)[number]]: unknown;
};
