/** Names of the parameters that one initializer of a recurrence becomes. */

/**
 * The names that a joint one was made of, `layer/forward+backward/W` → `layer/forward/W` and `layer/backward/W`; other names get the direction
 * behind them.
 */
export function separateNames(joint: string, count: number): string[] {
  if (count === 1) return [joint];
  const whole = joint.split("+");
  const half = whole.length / 2;
  const repeated = whole.slice(0, half).join("+");
  if (count === 2 && Number.isInteger(half) && repeated === whole.slice(half).join("+")) return [repeated, repeated];
  const parts = joint.split("/").map((part) => part.split("+"));
  if (!parts.some(({ length }) => length === count)) return [`${joint}/forward`, `${joint}/backward`];
  return Array.from({ length: count }, (_, i) =>
    parts
      .map((part) => (part.length === count ? part[i] : part.join("+")))
      .join("/")
      .replace(/\/+$/, ""),
  );
}

/** What the recurrent bias is called that stands behind a bias: `layer/B` → `layer/recurrentBias`. */
export const recurrentBiasName = (bias: string): string =>
  /(^|\/)B$/.test(bias) ? bias.replace(/B$/, "recurrentBias") : `${bias}/recurrentBias`;
