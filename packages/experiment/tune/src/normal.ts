// The normal distribution, truncated to an interval. All bounds are in deviations from the mean.
import cdf from '@stdlib/stats-base-dists-normal-cdf'
import logcdf from '@stdlib/stats-base-dists-normal-logcdf'
import quantile from '@stdlib/stats-base-dists-normal-quantile'

/** log P(a ≤ z ≤ b), accurate in both tails. */
export function logMass(a: number, b: number): number {
  // The right tail by symmetry: there, 1 − P loses all digits.
  if (a > 0) return logMass(-b, -a)
  if (b > 0) return Math.log1p(-cdf(a, 0, 1) - cdf(-b, 0, 1))
  const [low, high] = [logcdf(a, 0, 1), logcdf(b, 0, 1)]
  return high + Math.log1p(-Math.exp(low - high))
}

/** log of the density at z, truncated to [a, b]. */
export function logDensity(z: number, a: number, b: number): number {
  return -(z * z) / 2 - Math.log(2 * Math.PI) / 2 - logMass(a, b)
}

/** The q-quantile of the distribution truncated to [a, b]; a ≤ 0 ≤ b. */
export function truncatedQuantile(q: number, a: number, b: number): number {
  const low = cdf(a, 0, 1)
  const z = quantile(low + q * (cdf(b, 0, 1) - low), 0, 1)
  return Math.min(b, Math.max(a, z))
}
