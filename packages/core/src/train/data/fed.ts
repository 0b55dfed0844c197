/** Columns as they are fed: each has the name of its feed, and says who decides how long a batch is. */
import type { Column } from "./column.ts";

/** A column and how it is fed. */
export interface Fed {
  readonly feed: string;
  readonly column: Column;
  /** The feed for the lengths of its rows, where the model asks for them. */
  readonly lengthsFeed?: string;
  /** An input with a time axis whose steps all count, to the end of the batch. */
  readonly whole?: boolean;
  /** Its rows decide how long a batch is along their time axis; targets follow, unless they have a time of their own. */
  readonly leads: boolean;
  /** It is how much the rows of this output count. */
  readonly weighs?: string;
}
