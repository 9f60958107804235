import { init, use } from 'echarts/core'
import { SVGRenderer } from 'echarts/renderers'

use([SVGRenderer])

export interface ChartSvgOptions {
  /** Prefix for the ids of its parts; must be unique on the page. */
  readonly id: string
  /** In pixels. */
  readonly width: number
  readonly height: number
}

/**
 * Renders an ECharts chart as SVG: static, without a style element, and identical in every process.
 *
 * @param option ECharts' option; register its series and components first, with `use` from `echarts/core`
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
        // The library numbers charts and their parts across the whole process.
        .replaceAll(/zr\d+-/g, `${id}-`)
        .replaceAll(/ class="[^"]*"| pointer-events="[^"]*"/g, '')
        .replace(/<rect width="\d+" height="\d+" x="0" y="0" fill="none"><\/rect>\n?/, '')
    )
  } finally {
    // Otherwise its timers keep the process alive.
    chart.dispose()
  }
}
