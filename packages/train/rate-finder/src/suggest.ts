interface Point {
  readonly rate: number
  readonly loss: number
}

/** Fraction of the steps with which the loss at the lowest point is compared: they train next to nothing. */
const beginning = 0.1
/** Share of its fall that the loss may have lost again at the suggested rate. */
const lost = 1 / 3
/** A network that has learned everything survives rates at which a new one doesn't learn, so the suggestion ... */
const learned = 0.95
/** ... is at most this many times the rate at which the loss first had that share of its fall. */
const most = 4

/**
 * Smooths losses by a Gaussian. An average of the previous losses would lag behind, and still fall when the loss rises.
 *
 * @param deviation of the Gaussian, in steps
 */
export function smooth(losses: readonly number[], deviation: number): number[] {
  return losses.map((_, at) => {
    let [sum, weights] = [0, 0]
    for (const [i, loss] of losses.entries()) {
      const weight = Math.exp(-0.5 * ((i - at) / deviation) ** 2)
      sum += weight * loss
      weights += weight
    }
    return sum / weights
  })
}

/**
 * The highest rate before the loss, after its lowest value, has lost a third of its fall; but at most four times the rate at
 * which it first had 95 % of its fall.
 *
 * @param points with smoothed losses
 * @throws Error if the loss doesn't fall
 */
export function suggestedRate(points: readonly Point[], steps: number): number {
  const first = points[0]!.rate
  const last = points.at(-1)!.rate
  const start = Math.floor(steps * beginning)
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
  const before = losses.slice(0, start).reduce((sum, loss) => sum + loss, 0) / start
  /** The loss after a share of its fall. */
  const after = (share: number): number => before + share * (losses[lowest]! - before)
  const rises = losses.findIndex((loss, i) => i > lowest && loss > after(1 - lost))
  const fallen = losses.findIndex((loss) => loss <= after(learned))
  return Math.min(points.at(rises < 0 ? -1 : rises - 1)!.rate, most * points[fallen]!.rate)
}

const rateText = (rate: number): string => Number(rate.toPrecision(2)).toString()
