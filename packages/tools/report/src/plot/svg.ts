import { LineChart } from 'echarts/charts'
import { GridComponent } from 'echarts/components'
import { use } from 'echarts/core'
import { chartSvg } from '../charts/chart-svg.ts'
import type { RateCurve } from './curve.ts'
import { rateText } from './terminal.ts'
import { escape } from '../html.ts'
import { font, palette } from '../preview/svg.ts'

use([LineChart, GridComponent])

export interface PlotSvgOptions {
  /** In CSS pixels; default 832 and 260. */
  readonly width?: number
  readonly height?: number
  /** A metric that the rate depends on, such as a validation loss, drawn in the background with its own axis. */
  readonly behind?: {
    readonly name: string
    readonly points: readonly (readonly [step: number, value: number])[]
  }
}

const colors = ['#1f5fd0', '#d0661f', '#2b8a5a', '#a23fb3'] as const
const text = { color: palette.quiet, fontSize: 11, fontFamily: font } as const
const hidden = { show: false } as const

/**
 * Plots learning rates over a run as a self-contained SVG.
 *
 * @example
 * writeFileSync('rate.svg', plotSvg([rateCurve({ of: [cosineDecay()], epochs: 30 })]))
 */
export function plotSvg(
  curves: readonly RateCurve[],
  { width = 832, height = 260, behind }: PlotSvgOptions = {},
): string {
  const longest = curves.reduce((most, curve) => (curve.steps > most.steps ? curve : most))
  const { steps, stepsPerEpoch } = longest
  const [unit, per] = Number.isFinite(stepsPerEpoch) ? ['epoch', stepsPerEpoch] : ['step', 1]
  const scaled = (points: RateCurve['points']): number[][] =>
    points.map(([step, value]) => [step / per, value])
  const axis = {
    type: 'value',
    nameTextStyle: text,
    axisLabel: text,
    axisTick: hidden,
    axisLine: hidden,
    splitLine: { lineStyle: { color: palette.line } },
  } as const
  const drawn = chartSvg(
    {
      grid: { left: 62, right: behind ? 58 : 24, top: 44, bottom: 44, outerBoundsMode: 'none' },
      xAxis: {
        ...axis,
        name: unit,
        nameLocation: 'middle',
        nameGap: 24,
        max: steps / per,
        splitLine: hidden,
        axisLine: { lineStyle: { color: palette.faint } },
      },
      yAxis: [
        { ...axis, splitNumber: 4, axisLabel: { ...text, formatter: rateText } },
        { ...axis, scale: true, splitLine: hidden, splitNumber: 4 },
      ],
      series: [
        ...(behind
          ? [
              {
                type: 'line',
                yAxisIndex: 1,
                data: scaled(behind.points),
                showSymbol: false,
                itemStyle: { color: palette.faint },
                lineStyle: { color: palette.faint, width: 1.5, type: [5, 4] },
              },
            ]
          : []),
        ...curves.map(({ points }, i) => ({
          type: 'line',
          data: scaled(points),
          showSymbol: false,
          itemStyle: { color: colors[i % colors.length] },
          lineStyle: {
            color: colors[i % colors.length],
            width: 2.25,
            join: 'round',
            cap: 'round',
          },
        })),
      ],
    },
    { id: 'plot', width, height },
  )
  const names = [
    ...curves.map(({ name }, i) => ({ name, color: colors[i % colors.length]!, dash: '' })),
    ...(behind
      ? [{ name: behind.name, color: palette.faint, dash: ' stroke-dasharray="5 4"' }]
      : []),
  ]
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">\n` +
    `<rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8" fill="${palette.paper}" stroke="${palette.line}"/>\n` +
    `${key(names)}\n${drawn}\n</svg>\n`
  )
}

/** The legend. */
function key(entries: readonly { name: string; color: string; dash: string }[]): string {
  let left = 20
  const parts = entries.map(({ name, color, dash }) => {
    const part =
      `<path d="M${left} 22h16" stroke="${color}" stroke-width="2.25"${dash}/>` +
      `<text x="${left + 22}" y="26" font-family="${font}" font-size="11.5" fill="${palette.ink}">${escape(name)}</text>`
    left += 22 + Math.ceil(name.length * 6.6) + 22
    return part
  })
  return parts.join('\n')
}
