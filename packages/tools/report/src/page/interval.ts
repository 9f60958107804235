/** Quantile of the standard normal distribution: 95 % lie within this many deviations. */
const z = 1.959964

/**
 * Wilson's 95 % confidence interval of a proportion.
 *
 * @see Wilson 1927, "Probable inference, the law of succession, and statistical inference"
 */
export function wilsonInterval(share: number, count: number): [low: number, high: number] {
  const spread = (z * z) / count
  const middle = (share + spread / 2) / (1 + spread)
  const half = (z * Math.sqrt((share * (1 - share)) / count + spread / 4 / count)) / (1 + spread)
  return [Math.max(0, middle - half), Math.min(1, middle + half)]
}
