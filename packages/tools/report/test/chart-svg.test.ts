import { ScatterChart } from 'echarts/charts'
import { GridComponent } from 'echarts/components'
import { use } from 'echarts/core'
import { expect, test } from 'vitest'
import { chartSvg } from '../src/charts/chart-svg.ts'

use([ScatterChart, GridComponent])

const draw = (id: string): string => {
  const series = [{ type: 'scatter', data: [[1, 2]] }]
  return chartSvg({ xAxis: {}, yAxis: {}, series }, { id, width: 320, height: 200 })
}

test('does not depend on charts drawn before, and prefixes ids', () => {
  const first = draw('mine')
  expect(draw('mine')).toBe(first)
  expect(draw('other').replaceAll('other-', 'mine-')).toBe(first)
})

test('has its size and points, without style or pointer events', () => {
  const svg = draw('mine')
  expect(svg).toMatch(/^<svg width="320" height="200"/)
  expect(svg.match(/<path /g)?.length).toBeGreaterThan(0)
  expect(svg).not.toMatch(/<style|class=|pointer-events|animation/)
})
