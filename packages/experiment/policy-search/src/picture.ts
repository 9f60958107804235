import type { Policy } from '@tricks/autoaugment'
import { populationOperations } from './population.ts'
import type { PolicySchedule } from './schedule.ts'

const [left, top, right, row, width] = [104, 34, 16, 26, 640]
const inner = width - left - right
const colors = { text: '#22262b', quiet: '#5b626b', line: '#d9dde2', bar: '26, 127, 90' }

/**
 * Draws a schedule as SVG: a row of boxes per operation over the run. The height of a box is the mean strength of the
 * operation's two copies, weighted by their probabilities; its opacity is the probability that at least one of them is
 * applied if both are drawn.
 *
 * @example
 * const svg = pictureOf([{ until: 1, policy: [['Rotate', 5, 4]] }])
 */
export function pictureOf(schedule: PolicySchedule): string {
  const marksOf = (op: string, base: number): string =>
    schedule
      .map(({ until, policy }, j) => {
        const from = schedule[j - 1]?.until ?? 0
        const own = policy.filter(([name]) => name === op)
        const tenths = own.reduce((sum, [, each]) => sum + each, 0)
        const chance = 1 - own.reduce((product, [, each]) => product * (1 - each / 10), 1)
        if (tenths === 0) return ''
        const strength = own.reduce((sum, [, each, level]) => sum + each * level, 0) / tenths
        const size = Math.max(1.5, (strength / 9) * (row - 8))
        return (
          `<rect x="${fixed(left + from * inner)}" y="${fixed(base - size)}" width="${fixed((until - from) * inner + 0.3)}" ` +
          `height="${fixed(size)}" fill="rgba(${colors.bar}, ${chance.toFixed(2)})"/>`
        )
      })
      .join('')
  return chart({
    title: 'The policy over the run',
    legend: 'height: strength, opacity: probability',
    operations: populationOperations,
    marksOf,
    ticks: [0, 0.25, 0.5, 0.75, 1].map((share) => [left + share * inner, `${share * 100} %`]),
  })
}

/**
 * Draws a policy as SVG: a row per operation, on which each circle is a strength. Its area shows how often the policy
 * applies the operation at this strength: the sum of the probabilities, divided by the number of sub-policies. Operations
 * without a strength are at the right.
 *
 * @example
 * const svg = pictureOfPolicy([[['Rotate', 0.5, 4], ['Invert', 0.2, null]]])
 */
export function pictureOfPolicy(policy: Policy): string {
  const steps = policy.flat()
  const others = steps.map(([op]) => op).filter((op) => !populationOperations.includes(op as never))
  const at = (strength: number | null): number =>
    left + 24 + ((strength ?? 10.2) / 10.2) * (inner - 48)
  const marksOf = (name: string, base: number): string => {
    const shares = new Map<number | null, number>()
    for (const [op, probability, strength] of steps)
      if (op === name)
        shares.set(strength, (shares.get(strength) ?? 0) + probability / policy.length)
    return [...shares]
      .map(([strength, share]) => {
        // A circle as high as its row is an operation that is applied to every tenth image.
        const radius = Math.min(row - 2, ((row - 4) / 2) * Math.sqrt(share / 0.1))
        return `<circle cx="${fixed(at(strength))}" cy="${fixed(base - row / 2 + 4)}" r="${fixed(radius)}" fill="rgba(${colors.bar}, 0.7)"/>`
      })
      .join('')
  }
  return chart({
    title: `A policy of ${policy.length} sub-policies`,
    legend: 'position: strength, area: how often',
    operations: [...populationOperations, ...new Set(others)],
    marksOf,
    ticks: [
      ...Array.from({ length: 10 }, (_, strength) => [at(strength), String(strength)] as const),
      [at(null), 'none'],
    ],
  })
}

/** A row per operation, with marks on it, and ticks below all rows. */
function chart({
  title,
  legend,
  operations,
  marksOf,
  ticks,
}: {
  readonly title: string
  readonly legend: string
  readonly operations: readonly string[]
  readonly marksOf: (operation: string, base: number) => string
  readonly ticks: readonly (readonly [x: number, text: string])[]
}): string {
  const height = top + row * operations.length + 30
  const rows = operations.map((op, i) => {
    const base = top + row * (i + 1) - 4
    return (
      `<text x="${left - 8}" y="${base - 3}" text-anchor="end" fill="${colors.text}">${op}</text>` +
      `<line x1="${left}" x2="${width - right}" y1="${base}" y2="${base}" stroke="${colors.line}"/>${marksOf(op, base)}`
    )
  })
  const labels = ticks.map(
    ([x, text]) =>
      `<text x="${fixed(x)}" y="${height - 10}" text-anchor="middle" fill="${colors.quiet}">${text}</text>`,
  )
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" ` +
    `font-family="system-ui, sans-serif" font-size="11"><rect width="100%" height="100%" fill="#ffffff"/>` +
    `<text x="${left}" y="20" font-size="13" font-weight="600" fill="${colors.text}">${title}</text>` +
    `<text x="${width - right}" y="20" text-anchor="end" fill="${colors.quiet}">${legend}</text>` +
    `${rows.join('')}${labels.join('')}</svg>\n`
  )
}

const fixed = (value: number): string => String(Number(value.toFixed(1)))
