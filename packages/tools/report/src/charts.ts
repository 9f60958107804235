import { CustomChart, LineChart } from 'echarts/charts'
import { GridComponent } from 'echarts/components'
import { use } from 'echarts/core'
import { chartSvg } from './chart-svg.ts'
import { type Html, raw } from './html.ts'
import type { Bin } from '@tricks/run'

use([LineChart, CustomChart, GridComponent])

/** Charts are as wide as a phone's column, and three stand beside each other on a desk: so none is ever scaled much. */
const width = 344

export interface Series {
  readonly name: string
  /** A colour of the page's style, such as `--accent`, which differs by light and dark. */
  readonly color: string
  readonly points: readonly (readonly [number, number])[]
  /** For what is there to compare with. */
  readonly thin?: boolean
  readonly dots?: boolean
}

export interface LineChartOptions {
  /** Unlike any other on the page. */
  readonly id: string
  /** What a reader who can't see it is told. */
  readonly label: string
  readonly series: readonly Series[]
  readonly x: { readonly name: string; readonly max?: number }
  readonly y?: { readonly min?: number; readonly max?: number; readonly unit?: string }
  readonly height?: number
}

/** Where the plot stands in the picture, for whoever points at it. */
const grid = { left: 46, right: 16, top: 10, bottom: 40, outerBoundsMode: 'none' } as const

/** Curves over one axis as SVG, in the colours of the page. */
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

/**
 * Accuracy over confidence, bin by bin, with a stroke from it to the mean confidence, beside the diagonal where they
 * would be equal; below, how many images a bin has.
 */
export function reliabilityDiagram(id: string, label: string, bins: readonly Bin[]): Html {
  const most = Math.max(1, ...bins.map(({ count }) => count))
  const filled = bins.filter(({ count }) => count > 0)
  const share = { ...axis(), min: 0, max: 100, splitLine: { show: false } }
  const percents = { ...text, formatter: '{value} %' }
  const hidden = {
    axisLine: { show: false },
    axisLabel: { show: false },
    splitLine: { show: false },
  }
  return draw(
    { id, label, height: 320 },
    {
      grid: [
        { ...grid, bottom: 104 },
        { ...grid, top: 236 },
      ],
      xAxis: [
        { ...share, axisLabel: { show: false } },
        {
          ...share,
          ...axis('confidence'),
          max: 100,
          axisLabel: percents,
          splitLine: { show: false },
          gridIndex: 1,
        },
      ],
      yAxis: [
        {
          ...axis(),
          min: 0,
          max: 100,
          interval: 25,
          axisLine: { show: false },
          axisLabel: percents,
        },
        { ...axis(), ...hidden, max: most, interval: most, gridIndex: 1 },
      ],
      series: [
        boxes(
          0,
          { color: '--accent' },
          filled.map(({ low, high, accuracy }) => [low, high, 0, accuracy].map(toPercent)),
        ),
        {
          type: 'line',
          silent: true,
          showSymbol: false,
          data: [
            [0, 0],
            [100, 100],
          ],
          lineStyle: { color: 'var(--ink)', width: 1, type: [3, 3] },
        },
        boxes(
          0,
          { color: '--bad', width: 5 },
          filled.map(({ low, high, accuracy, confidence }) =>
            [low, high, ...[accuracy, confidence].toSorted((a, b) => a - b)].map(toPercent),
          ),
        ),
        boxes(
          1,
          { color: '--quiet' },
          filled.map(({ low, high, count }) => [low * 100, high * 100, 0, count]),
        ),
      ],
    },
  )
}

const toPercent = (value: number): number => value * 100

/** Rows of left, right, bottom, top; with a width, in the middle between left and right. */
const boxes = (
  place: number,
  { color, width: fixed }: { color: string; width?: number },
  rows: readonly (readonly number[])[],
): object => ({
  type: 'custom',
  silent: true,
  xAxisIndex: place,
  yAxisIndex: place,
  encode: { x: [0, 1], y: [2, 3] },
  data: rows.map((row) => [...row]),
  renderItem(_: unknown, api: Drawing) {
    const [left, bottom] = api.coord([api.value(0), api.value(2)])
    const [right, top] = api.coord([api.value(1), api.value(3)])
    const across = fixed ?? right - left - 1.5
    const x = (left + right - across) / 2
    return {
      type: 'rect',
      shape: { x, y: top, width: across, height: bottom - top },
      style: { fill: `var(${color})` },
    }
  },
})

interface Drawing {
  value(dimension: number): number
  coord(point: [number, number]): [number, number]
}

const text = { color: 'var(--muted)', fontSize: 11, fontFamily: 'inherit' } as const

const axis = (name?: string): object => ({
  type: 'value',
  name,
  nameLocation: 'middle',
  nameGap: 26,
  nameTextStyle: text,
  axisLabel: text,
  axisTick: { show: false },
  axisLine: { lineStyle: { color: 'var(--line)' } },
  splitLine: { lineStyle: { color: 'var(--line)' } },
})

const shortly = (value: number): string =>
  value !== 0 && Math.abs(value) < 1e-3
    ? value.toExponential(0)
    : String(Number(value.toPrecision(6)))

function draw(
  { id, label, height }: { id: string; label: string; height: number },
  option: object,
): Html {
  const svg = chartSvg(option, { id, width, height }).replace(
    /^<svg width="\d+" height="\d+"/,
    `<svg role="img" aria-label="${label.replaceAll('"', '&quot;')}"`,
  )
  return raw(svg)
}

/** A place, a value, and how much it counts: the steps that it is the mean of. */
export type Weighted = readonly [x: number, y: number, weight: number]

/** At most that many points, each the mean of those beside each other: what a small picture can show. */
export function thinned(points: readonly Weighted[], most = 100): [number, number][] {
  const count = Math.min(most, points.length)
  return Array.from({ length: count }, (_, i) => {
    const place = (part: number): number => Math.floor((part * points.length) / count)
    const part = points.slice(place(i), place(i + 1))
    const weight = part.reduce((sum, [, , each]) => sum + each, 0)
    const mean = (dimension: 0 | 1): number =>
      part.reduce((sum, point) => sum + point[dimension] * point[2], 0) / weight
    return [mean(0), mean(1)]
  })
}
