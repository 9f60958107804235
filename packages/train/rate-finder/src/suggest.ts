interface Point {
  readonly rate: number
  readonly loss: number
}

/** Left out at the beginning, where the average settles, and at the end, where the loss explodes. */
const [beginning, end] = [0.1, 5]
const fewest = 5

/**
 * The rate at the middle of the longest fall of the loss.
 *
 * @throws Error if there is none
 */
export function suggestedRate(points: readonly Point[], diverged: boolean): number {
  const considered = points.slice(Math.floor(points.length * beginning), -end)
  const first = points[0]!.rate
  if (considered.length < fewest)
    throw new Error(
      `rate-finder: the loss diverged after ${points.length} steps, at a rate of ${rateText(points.at(-1)!.rate)}. Pass a lower from than ${rateText(first)}.`,
    )
  const [start, length] = longestFall(considered.map(({ loss }) => loss))
  if (length < fewest)
    throw new Error(
      `rate-finder: the loss never falls between rates of ${rateText(first)} and ${rateText(points.at(-1)!.rate)}. ` +
        (diverged
          ? 'Pass a lower from, or check labels and normalisation.'
          : 'Pass a higher to, or check labels and normalisation.'),
    )
  const third = length / 3
  return considered[start + Math.floor(third) + Math.floor(third / 2)]!.rate
}

/** Start and length of the longest falling subsequence. */
function longestFall(losses: readonly number[]): [start: number, length: number] {
  const lengths: number[] = []
  for (const [i, loss] of losses.entries()) {
    const before = lengths.filter((_, j) => losses[j]! > loss)
    lengths.push(1 + Math.max(0, ...before))
  }
  const length = Math.max(...lengths)
  const last = lengths.indexOf(length)
  return [Math.max(0, last - length), length]
}

const rateText = (rate: number): string => Number(rate.toPrecision(2)).toString()
