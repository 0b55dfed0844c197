/** Which source each row reads, from step to step. */

/** Kept in arrays that are used again. */
export class RowSources {
  /** Rows of the last step; before the first one, sources. */
  count = 0;
  #now: Int32Array = new Int32Array();
  #next: Int32Array = new Int32Array();
  #chosen: Int32Array = new Int32Array();

  /** The sources that memory was chosen for last. */
  get chosen(): Int32Array {
    return this.#chosen;
  }

  /** Begins anew with one row for each source. */
  begin(count: number): void {
    this.count = count;
    this.#now = Int32Array.from({ length: count }, (_, i) => i);
    this.#chosen = new Int32Array();
  }

  /** The sources of rows that continue these; undefined where memory was chosen for just these. */
  continued(from: Int32Array): Int32Array | undefined {
    const rows = from.length;
    if (this.#next.length < rows) this.#next = new Int32Array(rows);
    let isChosen = rows === this.#chosen.length;
    for (let row = 0; row < rows; row++) {
      const source = this.#now[from[row] as number] as number;
      this.#next[row] = source;
      isChosen &&= source === this.#chosen[row];
    }
    return isChosen ? undefined : this.#next.slice(0, rows);
  }

  /** Memory was chosen for these. */
  choose(sources: Int32Array): void {
    this.#chosen = sources;
  }

  /** Those of the last `continued` are the rows of now. */
  goOn(rows: number): void {
    [this.#now, this.#next] = [this.#next, this.#now];
    this.count = rows;
  }
}
