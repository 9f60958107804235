import { html, type Html, raw } from '../html.ts'
import { chartSvg } from './chart-svg.ts'

/** Charts are as wide as a phone's column, and three fit side by side on a desktop, so none is scaled much. */
const width = 344

/** The margins around a plot. */
export const grid = { left: 46, right: 16, top: 10, bottom: 40, outerBoundsMode: 'none' } as const

export const text = { color: 'var(--muted)', fontSize: 11, fontFamily: 'inherit' } as const

export const axis = (name?: string): object => ({
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

export const shortly = (value: number): string =>
  value !== 0 && Math.abs(value) < 1e-3
    ? value.toExponential(0)
    : String(Number(value.toPrecision(6)))

/** Renders a chart as SVG that scales with the page, with a description for screen readers. */
export function draw(
  { id, label, height }: { id: string; label: string; height: number },
  option: object,
): Html {
  const start = html`<svg role="img" aria-label="${label}"`.html
  return raw(
    chartSvg(option, { id, width, height }).replace(/^<svg width="\d+" height="\d+"/, () => start),
  )
}
