interface Point {
  readonly rate: number
  readonly loss: number
}

/** Fraction of the steps at the beginning in which the average settles. */
const settling = 0.1
/** Safety factor: just before the loss rises, training is fast but fragile. */
const below = 2

/**
 * Half of the rate at which the smoothed loss is lowest.
 *
 * @throws Error if the loss doesn't fall
 */
export function suggestedRate(points: readonly Point[], steps: number): number {
  const first = points[0]!.rate
  const last = points.at(-1)!.rate
  const start = Math.floor(steps * settling)
  if (points.length <= start)
    throw new Error(
      `rate-finder: the loss diverged after ${points.length} steps, at a rate of ${rateText(last)}. ` +
        `Pass a lower from than ${rateText(first)}.`,
    )
  const losses = points.map(({ loss }) => loss)
  const lowest = losses.indexOf(Math.min(...losses))
  if (lowest < start)
    throw new Error(
      `rate-finder: the loss doesn't fall between rates of ${rateText(first)} and ${rateText(last)}. ` +
        'Check labels and normalisation, or pass a lower from and a higher to.',
    )
  return points[lowest]!.rate / below
}

const rateText = (rate: number): string => Number(rate.toPrecision(2)).toString()
