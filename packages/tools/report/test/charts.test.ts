import { expect, test } from 'vitest'
import { lineChart } from '../src/charts/line-chart.ts'
import { thinned } from '../src/charts/thinned.ts'

test('few points are unchanged', () => {
  expect(thinned([])).toEqual([])
  expect(
    thinned([
      [1, 5, 20],
      [2, 7, 4],
    ]),
  ).toEqual([
    [1, 5],
    [2, 7],
  ])
})

test('many points become means, weighted by steps', () => {
  const points = [
    [1, 10, 1],
    [2, 20, 3],
    [3, 30, 1],
    [4, 40, 1],
    [5, 50, 4],
  ] as const
  expect(thinned(points, 2)).toEqual([
    [1.75, 17.5],
    [(3 + 4 + 20) / 6, (30 + 40 + 200) / 6],
  ])
  expect(thinned(Array.from({ length: 1000 }, (_, i) => [i, 1, 1] as const))).toHaveLength(100)
})

test("a chart uses the page's colours, has a description and unique ids", () => {
  const chart = (id: string): string =>
    lineChart({
      id,
      label: 'Rate "over" epochs',
      series: [
        {
          name: 'rate',
          color: '--accent',
          points: [
            [0, 0.1],
            [1, 0.2],
          ],
        },
      ],
      x: { name: 'epoch', max: 2 },
    }).html
  const svg = chart('a')
  expect(svg).toMatch(/^<svg role="img" aria-label="Rate &quot;over&quot; epochs"/)
  expect(svg).toContain('stroke="var(--accent)"')
  expect(svg).toContain('>epoch</text>')
  const ids = (text: string): string[] => [...text.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id!)
  expect(ids(svg).length).toBeGreaterThan(0)
  expect(ids(svg).every((id) => id.startsWith('a-'))).toBe(true)
  expect(chart('a')).toBe(svg)
  const label = "a < b & '$&'"
  const named = lineChart({ id: 'b', label, series: [], x: { name: 'epoch' } }).html
  expect(named).toContain('aria-label="a &lt; b &amp; &#39;$&amp;&#39;"')
})
