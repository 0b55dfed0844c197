/** The names of sizes while a file is read: which are the same, and which turn out to be numbers. */
import { type Dim, ShapeError } from "@ostinato/core";

/** Thrown where sizes turn out to be equal that had been told apart: what was read so far has the old names, and reading begins again. */
export class ReadAgain extends Error {}

/** As often as sizes turn out to be equal in good faith. */
const MOST = 100;

/** What is known of names of sizes; it outlives the attempts to read a file. */
export class Dims {
  readonly #known = new Map<string, Dim>();
  /** Sizes that the file has as numbers and that were opened, by the names they were given. */
  readonly #opened = new Map<string, number>();
  /** The nodes that need names to be numbers. */
  readonly #needs = new Map<string, string>();

  /** The name, or the number, that a size goes by. */
  of(dim: Dim): Dim {
    let found = dim;
    while (typeof found === "string") {
      const next = this.#known.get(found);
      if (next === undefined) return found;
      found = next;
    }
    return found;
  }

  /** A name for a size that the file has as a number. */
  open(name: string, size: number): string {
    this.#opened.set(name, size);
    return name;
  }

  /** The number that the file has for a name that was opened. */
  sizeBefore(name: Dim): number | undefined {
    return typeof name === "string" ? this.#opened.get(name) : undefined;
  }

  /** The node that needs a name to be a number. */
  neededBy(name: string): string | undefined {
    const next = this.#known.get(name);
    return typeof next === "string" ? this.neededBy(next) : this.#needs.get(name);
  }

  /** The number that the file has for a name that was opened becomes its size again; nothing happens for other names. */
  close(name: Dim, by: string): void {
    const size = this.sizeBefore(name);
    if (size !== undefined) this.same(name, size, by);
  }

  /** The size of both. @throws ShapeError for two numbers that differ, and for an axis that there is not; ReadAgain where a name is known anew */
  same(a: Dim | undefined, b: Dim | undefined, by: string): Dim {
    if (a === undefined || b === undefined) throw new ShapeError("it has another number of axes than it needs");
    const [left, right] = [this.of(a), this.of(b)];
    if (left === right) return left;
    if (typeof left === "number" && typeof right === "number")
      throw new ShapeError(`the sizes ${left} and ${right} differ`);
    if (this.#known.size >= MOST) throw new ShapeError(`more than ${MOST} sizes of the model turn out to be equal`);
    // A number is kept, and a name of the file before one that was made.
    const keepsRight = typeof right === "number" || (this.#opened.has(left as string) && !this.#opened.has(right));
    const [kept, given] = keepsRight ? [right, left as string] : [left, right as string];
    this.#known.set(given, kept);
    if (typeof kept === "number") this.#needs.set(given, by);
    throw new ReadAgain();
  }
}
