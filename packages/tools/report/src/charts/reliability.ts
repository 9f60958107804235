import { CustomChart, LineChart } from 'echarts/charts'
import { GridComponent } from 'echarts/components'
import { use } from 'echarts/core'
import type { Bin } from '@tricks/run/record'
import type { Html } from '../html.ts'
import { axis, draw, grid, text } from './axis.ts'

use([LineChart, CustomChart, GridComponent])

/**
 * Plots accuracy over confidence per bin, with a line to the mean confidence, and the diagonal of perfect calibration;
 * below, the number of images per bin.
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

/** Rows of left, right, bottom, top; with a width, centred between left and right. */
const boxes = (
  index: number,
  { color, width: fixed }: { color: string; width?: number },
  rows: readonly (readonly number[])[],
): object => ({
  type: 'custom',
  silent: true,
  xAxisIndex: index,
  yAxisIndex: index,
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
