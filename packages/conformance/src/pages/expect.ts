/** Replaces the module "vitest" in a browser page: provides `expect` without the runner. */
import { JestChaiExpect } from "@vitest/expect";
import * as chai from "chai";

chai.use(JestChaiExpect);

// Not a re-export, which would leave a bundler free to skip the line above.
export const expect = (value: unknown): Chai.Assertion => chai.expect(value);

const only = (name: string) => (): never => {
  throw new Error(`${name} is for the runner; a page runs the suite's tests itself`);
};
export const beforeAll = only("beforeAll");
export const describe = only("describe");
export const test = only("test");
