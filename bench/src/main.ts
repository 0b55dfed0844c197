/** Runs the measurements. */
export {};
