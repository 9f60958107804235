/** A position, a value, and its weight: the number of steps that the value averages. */
export type Weighted = readonly [x: number, y: number, weight: number]

/** Reduces points to at most `most`, each the mean of neighbours, for a small picture. */
export function thinned(points: readonly Weighted[], most = 100): [number, number][] {
  const count = Math.min(most, points.length)
  return Array.from({ length: count }, (_, i) => {
    const start = (part: number): number => Math.floor((part * points.length) / count)
    const part = points.slice(start(i), start(i + 1))
    const weight = part.reduce((sum, [, , each]) => sum + each, 0)
    const mean = (dimension: 0 | 1): number =>
      part.reduce((sum, point) => sum + point[dimension] * point[2], 0) / weight
    return [mean(0), mean(1)]
  })
}
