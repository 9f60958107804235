import type { Picture, Sheet } from '@tricks/run/record'
import { escape } from '../html.ts'
import { pngUrl, shrunk } from './picture.ts'

/** Colours for text, secondary text, lines and background, legible on light and dark pages. */
export const palette = {
  ink: '#1f2328',
  quiet: '#59636e',
  faint: '#afb8c1',
  line: '#d1d9e0',
  paper: '#ffffff',
} as const

export interface SheetSvgOptions {
  /** Side of a tile in CSS pixels; default 96, or 128 if pictures are larger than 96 pixels. */
  readonly tile?: number
}

export const font = 'Inter, system-ui, -apple-system, Segoe UI, sans-serif'
const size = 10.5
const line = 14
const gap = 12
const margin = 16

/**
 * Renders a sheet as a self-contained SVG. Pixels of small pictures are enlarged as squares; text remains text.
 *
 * @example
 * writeFileSync('preview.svg', sheetSvg(sheet))
 */
export function sheetSvg({ rows }: Sheet, { tile = tileFor(rows) }: SheetSvgOptions = {}): string {
  const labels = rows.map(({ label }) => wrap(label, 92))
  // Equal for most sheets, so that sheets below each other are aligned.
  const widest = Math.max(88, ...labels.flat().map((text) => widthOf(text) * 1.08))
  const labelWidth = Math.ceil(widest) + 12
  const columns = Math.max(...rows.map(({ tiles }) => tiles.length))
  const width = 2 * margin + labelWidth + columns * (tile + gap) - gap

  const parts: string[] = []
  let top = margin
  rows.forEach(({ tiles }, r) => {
    const lines = tiles.map(({ captions }) =>
      captions.flatMap((each) => wrap(each, tile + gap - 2)),
    )
    const captioned = lines.some(({ length }) => length > 0)
    const middle = top + tile / 2 - ((labels[r]!.length - 1) * line) / 2
    labels[r]!.forEach((text, i) =>
      parts.push(
        `<text x="${margin}" y="${middle + i * line + 4}" font-weight="600">${escape(text)}</text>`,
      ),
    )
    tiles.forEach(({ pictures }, column) => {
      const left = margin + labelWidth + column * (tile + gap)
      parts.push(...drawPictures(pictures, left, top, tile))
      const own = lines[column]!.length > 0 || !captioned ? lines[column]! : ['—']
      const color = lines[column]!.length > 0 ? palette.quiet : palette.faint
      own.forEach((text, i) =>
        parts.push(
          `<text x="${left + tile / 2}" y="${top + tile + line + i * line}" fill="${color}" text-anchor="middle">${escape(text)}</text>`,
        ),
      )
    })
    top += tile + Math.max(0, ...lines.map(({ length }) => length)) * line + gap
  })
  const height = top - gap + margin
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ` +
    `font-family="${font}" font-size="${size}" fill="${palette.ink}">` +
    `<rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8" fill="${palette.paper}" stroke="${palette.line}"/>` +
    `${parts.join('')}</svg>`
  )
}

const tileFor = (rows: Sheet['rows']): number => {
  const sides = rows[0]!.tiles.flatMap(({ pictures: [picture] }) =>
    picture ? [picture.width, picture.height] : [],
  )
  return Math.max(...sides) > 96 ? 128 : 96
}

/**
 * Places SVGs side by side in one SVG.
 *
 * @example
 * writeFileSync('both.svg', beside([sheetSvg(sheet), sheetSvg(sheet)]))
 */
export function beside(svgs: readonly string[]): string {
  let width = 0
  let height = 0
  const placed = svgs.map((svg) => {
    const [, own, high] = svg.match(/width="([\d.]+)" height="([\d.]+)"/)!.map(Number)
    const part = svg.replace('<svg ', `<svg x="${width}" `)
    width += own! + gap
    height = Math.max(height, high!)
    return part
  })
  width -= gap
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">` +
    `${placed.join('')}</svg>`
  )
}

/** Draws one picture over the whole tile, or several in a grid: down, then across, in RICAP's order. */
function drawPictures(
  pictures: readonly Picture[],
  left: number,
  top: number,
  tile: number,
): string[] {
  const across = Math.ceil(Math.sqrt(pictures.length))
  const side = across === 1 ? tile : (tile - (across - 1) * 2) / across
  return pictures.map((picture, i) => {
    const x = left + Math.floor(i / across) * (side + 2)
    const y = top + (i % across) * (side + 2)
    // Twice as many pixels, for high-density screens.
    const shown = shrunk(picture, 2 * side)
    const rendering = Math.max(shown.width, shown.height) > side ? 'auto' : 'pixelated'
    return (
      `<image x="${x}" y="${y}" width="${side}" height="${side}" href="${pngUrl(shown)}" ` +
      `style="image-rendering:${rendering}"/>`
    )
  })
}

/** Breaks text at spaces, hyphens and brackets to fit a width. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  for (const part of text.split(/(?<=[ \-(,])/)) {
    const joined = (lines.at(-1) ?? '') + part
    if (lines.length > 0 && widthOf(joined.trimEnd()) <= width) lines[lines.length - 1] = joined
    else lines.push(part)
  }
  return lines.map((each) => each.trimEnd())
}

/** Approximate width of text: most letters take a little over half of the font size. */
function widthOf(text: string): number {
  let width = 0
  for (const letter of text)
    width += /[ijltrfI.,:;|()' ]/.test(letter) ? 0.34 : /[mwMW@]/.test(letter) ? 0.88 : 0.6
  return width * size
}
