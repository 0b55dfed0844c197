/** Define, differentiate and train recurrent networks: values, graphs, layers, training, checkpoints. No dependencies. */
export {};
