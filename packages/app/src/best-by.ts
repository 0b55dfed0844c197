/** Which epoch of a training is the best: the figures of validation that tell, in words. */

/** The first has to be low, the second high. */
export const bestBy = { valLoss: "validation loss", valAccuracy: "validation accuracy" } as const;

/** A figure by which the best epoch is chosen. */
export type BestBy = keyof typeof bestBy;
