import { isClear, points, type Summary } from '@tricks/ablation'

/** Prints the effects as a table, largest first. */
export function printSummary(summaries: readonly Summary[]): void {
  const titles = {
    added: 'Added to the bare recipe',
    'left out': 'Leave-one-out: effect of each trick when all are used',
  }
  for (const kind of ['added', 'left out'] as const) {
    const own = summaries
      .filter((summary) => summary.kind === kind)
      .toSorted((a, b) => b.effect.mean - a.effect.mean)
    if (own.length === 0) continue
    console.log(`\n${titles[kind]}, percentage points of accuracy`)
    const width = Math.max(...own.map(({ name }) => name.length))
    for (const { name, effect, n } of own) {
      const interval = Number.isFinite(effect.interval)
        ? ` ± ${(effect.interval * 100).toFixed(2).padStart(5)}`
        : '        '
      const verdict =
        n < 2
          ? 'one pair: no interval'
          : isClear(effect)
            ? effect.mean > 0
              ? 'helps'
              : 'harms'
            : 'no clear effect'
      console.log(
        `  ${name.padEnd(width)}  ${points(effect.mean).padStart(6)}${interval}  ${verdict} (n = ${n})`,
      )
    }
  }
}
