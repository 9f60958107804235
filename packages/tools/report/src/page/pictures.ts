import type { Picture } from '@tricks/run/record'
import { html, type Html } from '../html.ts'
import { pngUrl, shrunk } from '../preview/picture.ts'

/** The maximum size of an embedded picture, in pixels per side. */
const largest = 224

export function picture(original: Picture, description: string): Html {
  const { width, height, ...rest } = shrunk(original, largest)
  const url = pngUrl({ width, height, ...rest })
  return html`<img alt="${description}" width="${width}" height="${height}" src="${url}" />`
}

/** A list of pictures in tiles that suit their size; small pictures keep square pixels. */
export function pictureList(items: readonly Html[], example: Picture | undefined): Html {
  const large = example && Math.max(example.width, example.height) > 64
  return html`<ul class="pictures${large && ' large'}">
    ${items}
  </ul>`
}
