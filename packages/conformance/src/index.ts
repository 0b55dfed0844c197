/** The float64 reference interpreter and the test suite that every backend must pass. */
export {};
