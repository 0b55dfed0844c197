/** Runs apps for their tests: `@ostinato/app/testing`. */
export { killAndResume } from "./kills.ts";
export { type AppRunner, appRunner, eventsOf, type Result, recorder } from "./run.ts";
