import { decode } from 'fast-png'
import type { Picture } from '@tricks/run/record'
import { expect, test } from 'vitest'
import { pngUrl, sheetSvg } from '../src/index.ts'
import { shrunk } from '../src/preview/picture.ts'

const picture = (height: number, width: number, channels: number): Picture => ({
  pixels: Uint8Array.from({ length: height * width * channels }, (_, i) => (i * 37) % 256),
  height,
  width,
  channels,
})
const decoded = (url: string): ReturnType<typeof decode> =>
  decode(Uint8Array.from(atob(url.split(',')[1]!), (letter) => letter.charCodeAt(0)))

test('escapes text, and keeps square pixels in small pictures', () => {
  const tiles = [{ pictures: [picture(1, 1, 3)], captions: ['a < b & "c"'] }]
  const svg = sheetSvg({ rows: [{ label: '<i>', tiles }] })
  expect(svg).toContain('>a &lt; b &amp; &quot;c&quot;</text>')
  expect(svg).toContain('>&lt;i&gt;</text>')
  expect(svg).toMatch(/href="data:image\/png;base64,[^"]+" style="image-rendering:pixelated"/)
})

test('four pictures share a tile, two across', () => {
  const one = picture(8, 8, 3)
  const tiles = [{ pictures: [one, one, one, one], captions: [] }]
  // Each picture is half of a 96-pixel tile, without the gap.
  const svg = sheetSvg({ rows: [{ label: 'with', tiles }] })
  expect(svg.match(/width="47" height="47"/g)).toHaveLength(4)
})

test('photographs get larger tiles, with no more pixels than visible', () => {
  const tiles = [{ pictures: [picture(300, 600, 3)], captions: [] }]
  const svg = sheetSvg({ rows: [{ label: 'original', tiles }] })
  expect(svg).toContain('width="128" height="128"')
  expect(svg).toContain('image-rendering:auto')
  const { width, height } = decoded(/data:[^"]+/.exec(svg)![0])
  expect([width, height]).toEqual([256, 128])
})

test.each([
  [1, 1],
  [2, 1],
  [3, 3],
  [4, 3],
  [7, 3],
])('of %d channels %d are shown', (channels, shown) => {
  const given = picture(2, 3, channels)
  const image = decoded(pngUrl(given))
  expect([image.width, image.height, image.channels]).toEqual([3, 2, shown])
  for (let pixel = 0; pixel < 6; pixel++)
    for (let c = 0; c < shown; c++)
      expect(image.data[pixel * shown + c]).toBe(given.pixels[pixel * channels + c])
})

test('a shrunk picture contains the means of the areas', () => {
  const pixels = Uint8Array.of(0, 10, 100, 200, 20, 30, 50, 250)
  const small = shrunk({ pixels, height: 2, width: 4, channels: 1 }, 2)
  expect(small).toEqual({ pixels: Uint8Array.of(15, 150), height: 1, width: 2, channels: 1 })
  const colors = shrunk({ pixels, height: 2, width: 2, channels: 2 }, 1)
  expect(colors.pixels).toEqual(Uint8Array.of(43, 123))
  const same = picture(5, 4, 3)
  expect(shrunk(same, 5)).toBe(same)
})

test.each([
  [1000, 3],
  [3, 1000],
  [501, 499],
])('any picture of %d × %d pixels shrinks to whole pixels', (height, width) => {
  const pixels = new Uint8Array(height * width).fill(77)
  const small = shrunk({ pixels, height, width, channels: 1 }, 224)
  expect(Math.max(small.height, small.width)).toBe(224)
  expect(new Set(small.pixels)).toEqual(new Set([77]))
})
