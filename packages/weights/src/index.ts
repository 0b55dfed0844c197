/** The public names of @ostinato/weights. */
export {};
