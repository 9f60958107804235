// Charts as SVG, without Node ('@tricks/report/charts'), for pages.
export { rateCurve, type RateCurve, type RateCurveOptions } from './plot/curve.ts'
export { chartSvg, type ChartSvgOptions } from './charts/chart-svg.ts'
export { lineChart, type LineChartOptions, type Series } from './charts/line-chart.ts'
