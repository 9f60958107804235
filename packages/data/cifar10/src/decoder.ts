import decode, { init } from '@jsquash/jpeg/decode.js'
import { readAsset } from './asset.ts'

export { decode }

let started: Promise<void> | undefined

/** Initialises the decoder, once, even if a second load starts meanwhile. */
export function startDecoder(sample: ArrayBuffer): Promise<void> {
  started ??= start(sample).catch((error: unknown) => {
    started = undefined
    throw error
  })
  return started
}

/**
 * In a browser the decoder finds its wasm file and ImageData. Node has neither `fetch` for files nor ImageData, which
 * the decoder would add to the process permanently. The decoder keeps the ImageData that it finds at its first image,
 * so ours is installed for that image only, even if the process has its own, which may behave differently.
 */
async function start(sample: ArrayBuffer): Promise<void> {
  if (!import.meta.url.startsWith('file:')) return
  const { createRequire } = await import('node:module')
  const { pathToFileURL } = await import('node:url')
  const path = createRequire(import.meta.url).resolve('@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm')
  const wasm = await WebAssembly.compile(await readAsset(pathToFileURL(path)))
  const before = Object.getOwnPropertyDescriptor(globalThis, 'ImageData')
  Object.defineProperty(globalThis, 'ImageData', { value: Pixels, configurable: true })
  try {
    await init(wasm)
    await decode(sample)
  } finally {
    if (before) Object.defineProperty(globalThis, 'ImageData', before)
    else Reflect.deleteProperty(globalThis, 'ImageData')
  }
}

class Pixels {
  readonly data: Uint8ClampedArray
  constructor(data: Uint8ClampedArray) {
    this.data = data
  }
}
