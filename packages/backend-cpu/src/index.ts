/** Ostinato's plain TypeScript CPU backend: readable typed-array kernels that run anywhere. */
export {};
