/** Run Ostinato programs on TensorFlow.js kernels: cpu, wasm. */
export {};
