/** The names of figures in events, histories and logs. */

/** `loss` → `valLoss`. */
export function validationName(name: string): string {
  return `val${name[0]?.toUpperCase()}${name.slice(1)}`;
}
