import * as v from 'valibot'
import { decodeTensors, encodeTensors, type FileTensor, parseJson } from '@tricks/safetensors'
import type { Sheet } from '../sheet.ts'
import { type Picture, picturesOf } from './pictures.ts'

/** An image of a training batch. */
export interface BatchImage {
  /** As in the data. */
  readonly original: Picture
  /** As the network saw it, before normalisation. */
  readonly seen: Picture
  readonly label: string
  /** Its draws, and its targets after them, one per line. */
  readonly drawn: readonly string[]
}

export interface BatchRecord {
  /** From 0. */
  readonly step: number
  readonly images: readonly BatchImage[]
}

/**
 * Encodes the batch that the network saw in a step.
 *
 * @param sheet from `stepSheet`, with the rows original and result
 * @param step from 0
 * @returns a safetensors file: `original` and `seen` [images, height, width, channels]; step and captions as metadata
 * @example
 * const data = openData({ train: trainingImages, validation: 5000, batchSize: 128, epochs: 30, seed })
 * const sheet = await stepSheet({ tricks, seed, data, step: 0, classes, rows: 'result' })
 * writeFileSync('batch.safetensors', encodeBatch(sheet, 0))
 */
export function encodeBatch({ rows }: Sheet, step: number): Uint8Array {
  const [original, seen] = [rows[0]!.tiles, rows.at(-1)!.tiles]
  const tensor = (tiles: Sheet['rows'][number]['tiles']): FileTensor => {
    const pictures = tiles.map(({ pictures: [picture] }) => picture!)
    const { height, width, channels } = pictures[0]!
    const values = new Uint8Array(pictures.length * height * width * channels)
    pictures.forEach(({ pixels }, i) => values.set(pixels, i * pixels.length))
    return { shape: [pictures.length, height, width, channels], values }
  }
  const captions = original.map((tile, i) => ({
    label: tile.captions.join(' '),
    drawn: seen[i]!.captions,
  }))
  return encodeTensors(
    { original: tensor(original), seen: tensor(seen) },
    { step: String(step), images: JSON.stringify(captions) },
  )
}

const captionsSchema = v.array(v.object({ label: v.string(), drawn: v.array(v.string()) }))

/** Decodes a file of `encodeBatch`. @throws Error saying what is wrong with the file, which is untrusted */
export function decodeBatch(bytes: Uint8Array): BatchRecord {
  const { tensors, metadata } = decodeTensors(bytes)
  const [original, seen] = [picturesOf(tensors, 'original'), picturesOf(tensors, 'seen')]
  const captions = v.safeParse(captionsSchema, parseJson(String(metadata['images'])))
  const step = Number(metadata['step'])
  if (!captions.success || !Number.isSafeInteger(step))
    throw new Error('its metadata is not that of a batch')
  const counts = new Set([original, seen, captions.output].map(({ length }) => length))
  if (counts.size > 1) throw new Error('its tensors have different numbers of pictures')
  return {
    step,
    images: captions.output.map((each, i) => ({
      ...each,
      original: original[i]!,
      seen: seen[i]!,
    })),
  }
}
