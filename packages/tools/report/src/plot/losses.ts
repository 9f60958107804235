import { LineChart } from 'echarts/charts'
import { GridComponent } from 'echarts/components'
import { use } from 'echarts/core'
import { chartSvg } from '../charts/chart-svg.ts'
import { font, palette } from '../preview/svg.ts'
import { plotted, rateText } from './terminal.ts'

use([LineChart, GridComponent])

/** The loss over the learning rate, as `findRate` of @tricks/rate-finder returns it. */
export interface LossCurve {
  readonly points: readonly { readonly rate: number; readonly loss: number }[]
  /** The suggested rate, which is marked. */
  readonly rate: number
}

/** Without the explosion at the end, next to which the fall would look flat. */
function shownOf({ points }: LossCurve): LossCurve['points'] {
  const losses = points.map(({ loss }) => loss)
  const lowest = Math.min(...losses)
  const at = losses.indexOf(lowest)
  const top = Math.max(...losses.slice(0, at + 1), 1.1 * lowest)
  const beyond = losses.findIndex((loss, i) => i > at && loss > top)
  return beyond < 0 ? points : points.slice(0, beyond)
}

const lossText = (loss: number): string => loss.toFixed(2)

/**
 * Plots the loss over the logarithm of the learning rate as text, and marks the suggested rate on the axis.
 *
 * @param options.width columns; default the terminal's, or 80
 * @param options.height lines of the plot itself; default 12
 * @example
 * const points = [1, 10, 100].map((k) => ({ rate: k / 1000, loss: 3 - Math.log10(k) }))
 * console.log(await lossTerminal({ points, rate: 0.01 }))
 */
export async function lossTerminal(
  curve: LossCurve,
  {
    width = globalThis.process?.stdout?.columns ?? 80,
    height = 12,
  }: { readonly width?: number; readonly height?: number } = {},
): Promise<string> {
  const shown = shownOf(curve)
  const losses = shown.map(({ loss }) => loss)
  const [low, high] = [Math.min(...losses), Math.max(...losses)]
  const marks = Array.from({ length: 4 }, (_, i) => low + ((high - low) * i) / 3)
  const labels = Math.max(...marks.map((mark) => lossText(mark).length))
  const columns = Math.max(20, width - labels - 4)
  const lines = await plotted([shown.map(({ rate, loss }) => [Math.log10(rate), loss])], {
    width: columns,
    height,
    yRange: [low, high],
    customYAxisTicks: marks,
    formatter: lossText,
  })
  const [from, to] = [shown[0]!.rate, shown.at(-1)!.rate]
  const share = Math.log(curve.rate / from) / Math.log(to / from)
  const column = Math.round(Math.min(1, Math.max(0, share)) * (columns - 1))
  const rule = `${'─'.repeat(column)}┴${'─'.repeat(columns - 1 - column)}`
  const axis = rateText(from).padEnd(columns - rateText(to).length) + rateText(to)
  const text = rateText(curve.rate)
  const fits = column + text.length + 2 <= columns
  const mark = fits ? `↑ ${text}` : `${text} ↑`
  const start = fits ? column : column + 1 - mark.length
  const margin = ' '.repeat(labels)
  return [
    'loss by learning rate',
    ...lines,
    `${margin}└${rule}`,
    `${margin} ${axis}`,
    `${margin} ${' '.repeat(start)}${mark}`,
  ].join('\n')
}

/**
 * Plots the loss over the logarithm of the learning rate as a self-contained SVG, with a line at the suggested rate.
 *
 * @param options.width in CSS pixels, default 832
 * @param options.height default 260
 * @example
 * const points = [1, 10, 100].map((k) => ({ rate: k / 1000, loss: 3 - Math.log10(k) }))
 * writeFileSync('loss.svg', lossSvg({ points, rate: 0.01 }))
 */
export function lossSvg(
  curve: LossCurve,
  { width = 832, height = 260 }: { readonly width?: number; readonly height?: number } = {},
): string {
  const text = { color: palette.quiet, fontSize: 11, fontFamily: font } as const
  const axis = { nameTextStyle: text, axisLabel: text, axisTick: { show: false } } as const
  const shown = shownOf(curve)
  const losses = shown.map(({ loss }) => loss)
  const marked = '#d0661f'
  const label = { ...text, show: true, position: 'top', formatter: rateText(curve.rate) } as const
  const drawn = chartSvg(
    {
      grid: { left: 62, right: 24, top: 44, bottom: 44, outerBoundsMode: 'none' },
      xAxis: {
        ...axis,
        type: 'log',
        name: 'learning rate',
        nameLocation: 'middle',
        nameGap: 24,
        min: shown[0]!.rate,
        max: shown.at(-1)!.rate,
        axisLabel: { ...text, formatter: rateText },
        axisLine: { lineStyle: { color: palette.faint } },
        splitLine: { show: false },
      },
      yAxis: {
        ...axis,
        type: 'value',
        name: 'loss',
        scale: true,
        axisLine: { show: false },
        splitLine: { lineStyle: { color: palette.line } },
      },
      series: [
        {
          type: 'line',
          data: shown.map(({ rate, loss }) => [rate, loss]),
          showSymbol: false,
          lineStyle: { color: '#1f5fd0', width: 2.25, join: 'round', cap: 'round' },
        },
        {
          type: 'line',
          data: [
            [curve.rate, Math.min(...losses)],
            { value: [curve.rate, Math.max(...losses)], label },
          ],
          symbolSize: 1,
          itemStyle: { color: marked },
          lineStyle: { color: marked, width: 1.5, type: [5, 4] },
        },
      ],
    },
    { id: 'loss', width, height },
  )
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">\n` +
    `<rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8" fill="${palette.paper}" stroke="${palette.line}"/>\n` +
    `${drawn}\n</svg>\n`
  )
}
