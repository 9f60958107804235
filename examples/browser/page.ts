// Trains the quick recipe in a page, on the browser's best backend.
import '@tensorflow/tfjs-backend-webgl'
import '@tensorflow/tfjs-layers'
import '@tricks/wasm-training'
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm'
import plain from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url'
import simd from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url'
import threadedSimd from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm?url'
import * as tf from '@tensorflow/tfjs-core'
import { loadCifar10 } from '@tricks/cifar10'
import { cosineDecay } from '@tricks/cosine-decay'
import { labelSmoothing } from '@tricks/label-smoothing'
import { createModel } from '@tricks/models'
import { randomCrop } from '@tricks/random-crop'
import { randomFlip } from '@tricks/random-flip'
import { firstOf, imagesAt, type Progress, train } from '@tricks/train'
import { warmup } from '@tricks/warmup'
import { findAdapter } from '@tricks/webgpu'

setWasmPaths({
  'tfjs-backend-wasm.wasm': plain,
  'tfjs-backend-wasm-simd.wasm': simd,
  'tfjs-backend-wasm-threaded-simd.wasm': threadedSimd,
})

const asked = new URLSearchParams(location.search)
const element = (id: string): HTMLElement => document.getElementById(id)!
const now = (line: string): void => void (element('now').textContent = line)
const log = (line: string): void => element('log').append(`${line}\n`)
const percent = (share: number): string => `${(share * 100).toFixed(2)} %`

try {
  await run()
} catch (error) {
  now('It failed.')
  log((error as Error).message)
}

async function run(): Promise<void> {
  await choose(asked.get('backend'))
  const data = await loadCifar10({
    onProgress: (done, total) => now(`Decoding the images: ${percent(done / total)}`),
  })
  const limit = asked.get('limit')
  const images = limit === null ? data.train : firstOf(data.train, Number(limit))
  // With a part of the training images, uses a part of the test images.
  const share = images.labels.length / data.train.labels.length
  const tested = Math.ceil(share * data.test.labels.length)
  const test = imagesAt(data.test, [...Array(tested).keys()])
  const model = createModel('plain', { widths: [[16], [32], [64], [128]], seed: 0 })
  log(
    `${images.labels.length} training images, ${model.countParams().toLocaleString('en')} parameters`,
  )
  const began = performance.now()
  const { test: accuracy } = await train({
    model,
    data: { train: images, test },
    // Like the recipe quick of @tricks/cli, which needs Node.
    tricks: [
      randomCrop({ padding: 1 }),
      randomFlip(),
      labelSmoothing({ epsilon: 0.1 }),
      warmup({ multiplier: 8, over: { fraction: 0.15 }, after: cosineDecay() }),
    ],
    optimizer: tf.train.momentum(0.04, 0.9, true),
    epochs: Number(asked.get('epochs') ?? 4),
    batchSize: Number(asked.get('batch') ?? 64),
    validation: Math.round(share * 1000),
    onProgress: show,
  })
  const seconds = ((performance.now() - began) / 1000).toFixed(0)
  now(`${percent(accuracy!.accuracy)} of the test images classified correctly, after ${seconds} s.`)
}

/** The requested backend, or WebGPU, WebGL, wasm, whichever is available first. */
async function choose(name: string | null): Promise<void> {
  for (const each of name === null ? ['webgpu', 'webgl', 'wasm'] : [name])
    try {
      let device = ''
      if (each === 'webgpu') device = `, ${(await findAdapter()).name}`
      if (each === 'webgl') {
        device = `, ${renderer()}`
        if (name === null && /swiftshader|llvmpipe|software|basic render/i.test(device))
          throw new Error(
            'it computes on the processor, slower than wasm (?backend=webgl selects it anyway)',
          )
      }
      if (!(await tf.setBackend(each))) throw new Error('it does not start')
      log(`Backend: ${each}${device}`)
      return
    } catch (error) {
      log(`Not on ${each}: ${(error as Error).message.replace(`${each}: `, '')}`)
    }
  throw new Error('No backend is available to train on.')
}

/** The device that WebGL computes on: the processor if there is no GPU. */
function renderer(): string {
  const gl = document.createElement('canvas').getContext('webgl2')
  if (!gl) throw new Error('it does not start')
  const { UNMASKED_RENDERER_WEBGL } = gl.getExtension('WEBGL_debug_renderer_info') ?? {}
  return String(gl.getParameter(UNMASKED_RENDERER_WEBGL ?? gl.RENDERER))
}

function show(progress: Progress): void {
  const { step, steps } = progress.time
  if (progress.kind === 'step') {
    element('progress').setAttribute('value', String((step + 1) / steps))
    const rate = progress.imagesPerSecond.toFixed(0)
    now(`Step ${step + 1} of ${steps}: loss ${progress.loss.toFixed(3)}, ${rate} images/s`)
    return
  }
  const { epoch, training, validation } = progress
  const held = validation ? `, validation accuracy ${percent(validation.accuracy)}` : ''
  log(`Epoch ${epoch + 1}: training loss ${training.loss.toFixed(3)}${held}`)
}
