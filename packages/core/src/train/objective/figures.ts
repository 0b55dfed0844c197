/** The names of figures in events, histories and logs. */

const capitalized = (name: string): string => `${name[0]?.toUpperCase()}${name.slice(1)}`;

/** `loss` → `valLoss`. */
export const validationName = (name: string): string => `val${capitalized(name)}`;

/** A figure of one of several outputs: `tone` and `accuracy` → `toneAccuracy`. */
export const outputFigure = (output: string, name: string): string => `${output}${capitalized(name)}`;
