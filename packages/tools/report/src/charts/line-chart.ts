import { LineChart } from 'echarts/charts'
import { GridComponent } from 'echarts/components'
import { use } from 'echarts/core'
import type { Html } from '../html.ts'
import { axis, draw, grid, shortly, text } from './axis.ts'

use([LineChart, GridComponent])

export interface Series {
  readonly name: string
  /** A colour variable of the page's style, such as `--accent`, which differs in light and dark mode. */
  readonly color: string
  readonly points: readonly (readonly [number, number])[]
  /** For a curve in the background. */
  readonly thin?: boolean
  readonly dots?: boolean
}

export interface LineChartOptions {
  /** Must be unique on the page. */
  readonly id: string
  /** A description for screen readers. */
  readonly label: string
  readonly series: readonly Series[]
  readonly x: { readonly name: string; readonly max?: number }
  readonly y?: { readonly min?: number; readonly max?: number; readonly unit?: string }
  readonly height?: number
}

/** Renders curves with a shared x axis as SVG, in the page's colours. */
export function lineChart({ id, label, series, x, y = {}, height = 220 }: LineChartOptions): Html {
  const most = x.max ?? Math.max(1, ...series.flatMap(({ points }) => points.map(([at]) => at)))
  return draw(
    { id, label, height },
    {
      grid,
      xAxis: {
        ...axis(x.name),
        max: most,
        minInterval: most > 2 ? 1 : 0,
        splitLine: { show: false },
      },
      yAxis: {
        ...axis(),
        scale: true,
        ...(y.min !== undefined && { min: y.min }),
        ...(y.max !== undefined && { max: y.max }),
        splitNumber: 4,
        axisLine: { show: false },
        axisLabel: { ...text, formatter: (value: number) => shortly(value) + (y.unit ?? '') },
      },
      series: series.map(({ color, points, thin, dots }) => ({
        type: 'line',
        silent: true,
        data: points.map((point) => [...point]),
        showSymbol: dots ?? points.length === 1,
        symbol: 'circle',
        symbolSize: 6,
        itemStyle: { color: `var(${color})` },
        lineStyle: {
          color: `var(${color})`,
          width: thin ? 1.25 : 2.25,
          join: 'round',
          cap: 'round',
        },
      })),
    },
  )
}
