import { decode } from 'fast-png'
import { expect, test } from 'vitest'
import type { Sheet } from '@tricks/run/record'
import { sheetPng, svgPng } from '../src/preview/png.ts'
import { sheetSvg } from '../src/preview/svg.ts'

// Left half red, right half blue.
const pixels = Uint8Array.from({ length: 8 * 8 * 3 }, (_, i) => {
  const left = Math.floor(i / 3) % 8 < 4
  return i % 3 === (left ? 0 : 2) ? 255 : 0
})
const tile = {
  pictures: [{ pixels, width: 8, height: 8, channels: 3 as const }],
  captions: ['λ 0.71'],
}
const sheet: Sheet = { rows: [{ label: 'cutout', tiles: [tile] }] }

test('enlarges pixels without blending, and draws text', async () => {
  const { data, width, height } = decode(await sheetPng(sheet))
  const [, w, h] = sheetSvg(sheet)
    .match(/width="(\d+)" height="(\d+)"/)!
    .map(Number)
  expect([width, height]).toEqual([2 * w!, 2 * h!])
  const color = (x: number, y: number): number[] =>
    Array.from(data.slice((y * width + x) * 4, (y * width + x) * 4 + 4))
  // The tile ends 16 pixels before the right edge and begins 16 below the top.
  const right = width - 32
  const middle = right - 96
  for (const y of [32, 33, 100, 223]) {
    expect(color(middle - 1, y)).toEqual([255, 0, 0, 255])
    expect(color(middle, y)).toEqual([0, 0, 255, 255])
    expect(color(right - 1, y)).toEqual([0, 0, 255, 255])
    expect(color(right - 192, y)).toEqual([255, 0, 0, 255])
  }
  expect(color(right, 100)).toEqual([255, 255, 255, 255])
  const dark = (from: number, to: number): number => {
    let count = 0
    for (let y = from; y < to; y++)
      for (let x = 0; x < width; x++) if (color(x, y)[0]! < 160 && color(x, y)[2]! < 160) count++
    return count
  }
  // The caption is below the tile.
  expect(dark(228, 254)).toBeGreaterThan(40)
})

test('is byte-identical each time', async () => {
  expect(Buffer.compare(await sheetPng(sheet), await sheetPng(sheet))).toBe(0)
})

test('rejects an invalid SVG', async () => {
  await expect(svgPng('<svg')).rejects.toThrow()
})
