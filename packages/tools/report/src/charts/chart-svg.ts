import { init, use } from 'echarts/core'
import { SVGRenderer } from 'echarts/renderers'

use([SVGRenderer])

export interface ChartSvgOptions {
  /** Begins the names of its parts: unlike any other on a page. */
  readonly id: string
  /** In pixels. */
  readonly width: number
  readonly height: number
}

/**
 * A chart of ECharts as SVG: still, without a style of its own, and the same text in every process.
 *
 * @param option ECharts' option; the kinds of series and components in it are registered before, by `use` of
 * `echarts/core`
 * @example
 * import { LineChart } from 'echarts/charts'
 * import { GridComponent } from 'echarts/components'
 * import { use } from 'echarts/core'
 *
 * use([LineChart, GridComponent])
 * const series = [{ type: 'line', data: [[0, 1], [1, 3]] }]
 * const svg = chartSvg({ xAxis: {}, yAxis: {}, series }, { id: 'mine', width: 320, height: 200 })
 */
export function chartSvg(option: object, { id, width, height }: ChartSvgOptions): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height })
  try {
    chart.setOption({ animation: false, ...option })
    return (
      chart
        .renderToSVGString()
        .replace(/<style[^>]*>.*?<\/style>/s, '')
        // The library counts its charts and their parts over the whole process.
        .replaceAll(/zr\d+-/g, `${id}-`)
        .replaceAll(/ class="[^"]*"| pointer-events="[^"]*"/g, '')
        .replace(/<rect width="\d+" height="\d+" x="0" y="0" fill="none"><\/rect>\n?/, '')
    )
  } finally {
    // Else its timers keep the process alive.
    chart.dispose()
  }
}
