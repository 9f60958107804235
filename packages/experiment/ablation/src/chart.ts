import { chartSvg } from '@tricks/report'
import type { EChartsOption } from 'echarts'
import { CustomChart, ScatterChart } from 'echarts/charts'
import { GridComponent, MarkLineComponent, TitleComponent } from 'echarts/components'
import { use } from 'echarts/core'
import { isClear, type Summary } from './summary.ts'

use([CustomChart, ScatterChart, GridComponent, MarkLineComponent, TitleComponent])

const [row, width, colors] = [24, 860, { help: '#1a7f5a', harm: '#b3402f', open: '#8a8f98' }]

/**
 * Draws the effects with their intervals, best first: each trick added to the base on the left, leave-one-out on the
 * right.
 */
export function chartOf(summaries: readonly Summary[]): string {
  const panels = (['added', 'left out'] as const).map((kind) =>
    summaries
      .filter((summary) => summary.kind === kind && Number.isFinite(summary.effect.interval))
      .toSorted((a, b) => a.effect.mean - b.effect.mean),
  )
  const height = 90 + row * Math.max(4, ...panels.map((panel) => panel.length))
  const titles = ['Added to the base', 'Leave-one-out']
  const option = {
    backgroundColor: '#ffffff',
    textStyle: { fontFamily: 'system-ui, sans-serif' },
    title: titles.map((text, i) => ({
      text,
      left: i === 0 ? 150 : 580,
      top: 8,
      textStyle: { fontSize: 14, fontWeight: 600, color: '#22262b' },
    })),
    grid: [
      { left: 150, width: 260, top: 40, bottom: 44 },
      { left: 580, width: 260, top: 40, bottom: 44 },
    ],
    xAxis: panels.map((_, gridIndex) => ({
      gridIndex,
      type: 'value',
      name: 'accuracy, percentage points, 95 % interval',
      nameLocation: 'middle',
      nameGap: 26,
      nameTextStyle: { color: '#5b626b', fontSize: 11 },
      axisLabel: { color: '#5b626b', fontSize: 11 },
      splitLine: { lineStyle: { color: '#eceef1' } },
    })),
    yAxis: panels.map((panel, gridIndex) => ({
      gridIndex,
      type: 'category',
      data: panel.map(({ name }) => name),
      axisLine: { show: false },
      axisTick: { show: false },
      axisLabel: { color: '#22262b', fontSize: 11 },
    })),
    series: panels.flatMap((panel, axis) => [
      {
        type: 'custom',
        xAxisIndex: axis,
        yAxisIndex: axis,
        // A line across each interval.
        renderItem: (_, api) => {
          const [index, low, high] = [api.value(0), api.value(1), api.value(2)] as number[]
          const [x1, y] = api.coord([low!, index!])
          const [x2] = api.coord([high!, index!])
          return {
            type: 'line',
            shape: { x1, y1: y, x2, y2: y },
            style: { stroke: colorOf(panel[index!]!), lineWidth: 2 },
          }
        },
        data: panel.map(({ effect: { mean, interval } }, i) => [
          i,
          (mean - interval) * 100,
          (mean + interval) * 100,
        ]),
        encode: { x: [1, 2], y: 0 },
      },
      {
        type: 'scatter',
        xAxisIndex: axis,
        yAxisIndex: axis,
        symbolSize: 8,
        data: panel.map((summary, i) => ({
          value: [summary.effect.mean * 100, i],
          itemStyle: { color: colorOf(summary) },
        })),
        markLine: {
          symbol: 'none',
          silent: true,
          label: { show: false },
          lineStyle: { color: '#22262b', type: 'solid', width: 1 },
          data: [{ xAxis: 0 }],
        },
      },
    ]),
  } satisfies EChartsOption
  return chartSvg(option, { id: 'ablation', width, height })
}

function colorOf({ effect }: Summary): string {
  if (!isClear(effect)) return colors.open
  return effect.mean > 0 ? colors.help : colors.harm
}
