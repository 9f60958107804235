import type { Settings } from 'simple-ascii-chart'
import type { RateCurve } from './curve.ts'

/**
 * Plots curves as text, as wide as the terminal.
 *
 * @param options.width columns; default the terminal's, or 80
 * @param options.height lines of the plot itself; default 12
 * @param options.color whether to distinguish curves by colour; default true in a terminal
 * @example
 * console.log(await plotTerminal([rateCurve({ of: [cosineDecay()] })]))
 */
export async function plotTerminal(
  curves: readonly RateCurve[],
  {
    width = globalThis.process?.stdout?.columns ?? 80,
    height = 12,
    color = globalThis.process?.stdout?.isTTY ?? false,
  }: { readonly width?: number; readonly height?: number; readonly color?: boolean } = {},
): Promise<string> {
  const [{ steps, stepsPerEpoch }] = curves as [RateCurve]
  const most = Math.max(...curves.flatMap(({ points }) => points.map(([, rate]) => rate)))
  const marks = Array.from({ length: 5 }, (_, i) => (most * i) / 4)
  const labels = Math.max(...marks.map((mark) => rateText(mark).length))
  const columns = Math.max(20, width - labels - 4)
  const [unit, per] = Number.isFinite(stepsPerEpoch) ? ['epoch', stepsPerEpoch] : ['step', 1]
  const lines = await plotted(
    curves.map((curve) => sampled(curve, columns)),
    {
      width: columns,
      height,
      yRange: [0, most],
      customYAxisTicks: marks,
      color: color ? ['ansiBlue', 'ansiYellow', 'ansiGreen', 'ansiMagenta'] : undefined,
      formatter: rateText,
    },
  )
  const end = String(Number((steps / per).toFixed(1)))
  const rule = `${' '.repeat(labels)}└${'─'.repeat(columns)}`
  const axis = `${' '.repeat(labels + 1)}0${unit.padStart(columns / 2).padEnd(columns - 1 - end.length)}${end}`
  const names = curves
    .map(({ name }, i) => (color ? `\x1b[${[34, 33, 32, 35][i % 4]}m━\x1b[0m ${name}` : name))
    .join('  ')
  return [names, ...lines, rule, axis].join('\n')
}

/** The lines of a plot, without the arrow above the axis and the empty line below, for a rule of our own. */
export async function plotted(
  curves: [number, number][][],
  { formatter, ...settings }: Settings & { readonly formatter: (value: number) => string },
): Promise<string[]> {
  const { plot } = await import('simple-ascii-chart')
  return plot(curves, { ...settings, hideXAxis: true, formatter })
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(1, -1)
}

/** A point per column. */
function sampled({ points, steps }: RateCurve, columns: number): [number, number][] {
  let from = 0
  return Array.from({ length: columns }, (_, column) => {
    const step = (column / (columns - 1)) * (steps - 1)
    while (from < points.length - 2 && points[from + 1]![0] <= step) from++
    const [[left, low], [right, high]] = [points[from]!, points[from + 1] ?? points[from]!]
    const part = right > left ? Math.min(1, (step - left) / (right - left)) : 0
    return [column, low + part * (high - low)]
  })
}

/** Formats a rate with three digits: '0.0125', '5e-4'. */
export const rateText = (rate: number): string =>
  rate !== 0 && rate < 1e-3
    ? rate.toExponential(1).replace('.0e', 'e')
    : String(Number(rate.toPrecision(3)))
