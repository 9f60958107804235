// Loads an exported model in a page that has only TensorFlow.js.
import { existsSync, readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { createRequire } from 'node:module'
import { basename } from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import { useBackend } from '@tricks/backend'
import { loadCifar10 } from '@tricks/cifar10'
import { createModel, exportModel } from '@tricks/models'
import { train } from '@tricks/train'
import { chromium } from 'playwright'
import { expect, test } from 'vitest'

const executablePath = process.env['CHROME_BIN'] ?? '/usr/bin/chromium'
const count = 1000

test.skipIf(!existsSync(executablePath))(
  'an exported model predicts the same class for 1,000 test images in Chromium',
  async () => {
    await useBackend('wasm')
    const { train: all, test: held } = await loadCifar10()
    const model = createModel('plain', { widths: [[16], [32], [32]] })
    const few = {
      ...all,
      images: all.images.slice(0, 2000 * 3072),
      labels: all.labels.slice(0, 2000),
    }
    const { mean, deviation } = await train({
      model,
      data: { train: few },
      optimizer: tf.train.momentum(0.05, 0.9),
      epochs: 2,
    })
    const images = held.images.slice(0, count * 3072)
    const here = tf.tidy(() => {
      const pixels = tf.div(tf.tensor4d(Float32Array.from(images), [count, 32, 32, 3]), 255)
      const normal = tf.div(tf.sub(pixels, tf.tensor1d([...mean])), tf.tensor1d([...deviation]))
      const logits = model.predict(normal, { batchSize: 100 }) as tf.Tensor2D
      return [...tf.argMax(logits, 1).dataSync()]
    })
    expect(new Set(here).size).toBeGreaterThan(3)

    const exported = await exportModel(model, { mean, deviation })
    const { server, url } = await serve({ ...exported, 'images.bin': images })
    const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
    try {
      const page = await browser.newPage()
      const errors: string[] = []
      page.on('pageerror', ({ message }) => errors.push(message))
      await page.goto(url)
      const there = await page.evaluate<number[]>('predict()')
      expect(errors).toEqual([])
      expect(there).toEqual(here)
    } finally {
      await browser.close()
      server.close()
    }
  },
  120_000,
)

const page = `<!doctype html>
<script src="tf-core.min.js"></script>
<script src="tf-backend-cpu.min.js"></script>
<script src="tf-backend-wasm.min.js"></script>
<script src="tf-layers.min.js"></script>
<script>
  async function predict() {
    tf.wasm.setWasmPaths('/')
    await tf.setBackend('wasm')
    const model = await tf.loadLayersModel('model.json')
    const bytes = new Uint8Array(await (await fetch('images.bin')).arrayBuffer())
    const images = tf.tensor4d(Float32Array.from(bytes, (byte) => byte / 255), [${count}, 32, 32, 3])
    return [...tf.argMax(model.predict(images, { batchSize: 100 }), 1).dataSync()]
  }
</script>`

/** Serves the files, the page, and TensorFlow.js from its packages. */
async function serve(
  files: Record<string, string | Uint8Array>,
): Promise<{ server: Server; url: string }> {
  const require = createRequire(import.meta.url)
  const tfjs = ['core', 'layers', 'backend-cpu', 'backend-wasm'].map(
    (name) => `@tensorflow/tfjs-${name}/dist/`,
  )
  const find = (name: string): string | Uint8Array | undefined => {
    if (name in files) return files[name]
    for (const folder of tfjs)
      try {
        return readFileSync(require.resolve(folder + name))
      } catch {
        // Not in this package; try the next.
      }
    return undefined
  }
  const server = createServer((request, response) => {
    const name = basename(request.url!)
    const content = request.url === '/' ? page : find(name)
    if (content === undefined) {
      response.writeHead(404).end()
      return
    }
    const type =
      request.url === '/' ? 'text/html' : name.endsWith('.wasm') ? 'application/wasm' : ''
    response.writeHead(200, type ? { 'content-type': type } : {}).end(content)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { server, url: `http://127.0.0.1:${(server.address() as { port: number }).port}/` }
}
