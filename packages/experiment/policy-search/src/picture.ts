import { populationOperations } from './population.ts'
import type { PolicySchedule } from './schedule.ts'

const [left, top, right, row, width] = [104, 34, 16, 26, 640]
const colors = { text: '#22262b', quiet: '#5b626b', line: '#d9dde2', bar: '26, 127, 90' }

/**
 * Draws a schedule as SVG: a line of boxes per operation over the run. The height of a box is the mean strength of the
 * operation's two copies, weighted by their probabilities; its opacity the probability that one of them is chosen, given the
 * chance.
 *
 * @example
 * const svg = pictureOf([{ until: 1, policy: [['Rotate', 5, 4]] }])
 */
export function pictureOf(schedule: PolicySchedule): string {
  const height = top + row * populationOperations.length + 30
  const inner = width - left - right
  const rows = populationOperations.map((op, i) => {
    const base = top + row * (i + 1) - 4
    const boxes = schedule.map(({ until, policy }, j) => {
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
    return (
      `<text x="${left - 8}" y="${base - 3}" text-anchor="end" fill="${colors.text}">${op}</text>` +
      `<line x1="${left}" x2="${width - right}" y1="${base}" y2="${base}" stroke="${colors.line}"/>${boxes.join('')}`
    )
  })
  const ticks = [0, 0.25, 0.5, 0.75, 1].map(
    (share) =>
      `<text x="${fixed(left + share * inner)}" y="${height - 10}" text-anchor="middle" fill="${colors.quiet}">${share * 100} %</text>`,
  )
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" ` +
    `font-family="system-ui, sans-serif" font-size="11"><rect width="100%" height="100%" fill="#ffffff"/>` +
    `<text x="${left}" y="20" font-size="13" font-weight="600" fill="${colors.text}">The policy over the run</text>` +
    `<text x="${width - right}" y="20" text-anchor="end" fill="${colors.quiet}">height: strength, opacity: probability</text>` +
    `${rows.join('')}${ticks.join('')}</svg>\n`
  )
}

const fixed = (value: number): string => String(Number(value.toFixed(1)))
