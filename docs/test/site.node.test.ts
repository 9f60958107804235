// The built site in Chromium; skipped without it.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import * as tf from '@tensorflow/tfjs-core'
import { loadLayersModel } from '@tensorflow/tfjs-layers'
import { cifar10Mean, loadCifar10 } from '@tricks/cifar10'
import { batchSheet } from '@tricks/run/record'
import { batchOf, type ImageSet } from '@tricks/train'
import axe from 'axe-core'
import { decode, encode } from 'fast-png'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { PreviewServer } from 'vite'
import type { Entry } from '../playground/catalogue.ts'
import { toAddress } from '../playground/state.ts'
import { tricksOf } from '../playground/tricks.ts'
import { serveSite } from '../serve.ts'

const executablePath = process.env['CHROME_BIN'] ?? '/usr/bin/chromium'
const docs = join(import.meta.dirname, '..')
const pages = ['/', '/playground', '/train', '/race', '/cards/cutout', '/cards/warmup']

describe.skipIf(!existsSync(executablePath))('the site', () => {
  let server: PreviewServer
  let browser: Browser
  let base: string
  let entries: readonly Entry[]
  beforeAll(async () => {
    const run = (file: string, ...args: string[]): void =>
      void execFileSync(process.execPath, ['--conditions=@tricks/source', file, ...args], {
        cwd: docs,
      })
    run('prepare.ts')
    // No page of the reference is tested here.
    if (!existsSync(join(docs, 'reference'))) run('reference.mjs')
    run('node_modules/vitepress/bin/vitepress.js', 'build')
    server = await serveSite(0)
    base = server.resolvedUrls!.local[0]!.replace(/\/$/, '')
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
    entries = JSON.parse(
      readFileSync(join(docs, 'generated/catalogue.json'), 'utf8'),
    ) as readonly Entry[]
  })
  afterAll(async () => {
    await browser?.close()
    await server?.close()
  })

  let context: BrowserContext
  let page: Page
  let faults: string[]
  beforeEach(async () => {
    context = await browser.newContext({ viewport: { width: 1280, height: 900 } })
    page = await context.newPage()
    faults = []
    page.on('console', (message) => {
      if (message.type() === 'error') faults.push(message.text())
    })
    page.on('pageerror', (error) => faults.push(String(error)))
    page.on('request', (request) => {
      const url = new URL(request.url())
      if (url.protocol.startsWith('http') && url.origin !== base) faults.push(request.url())
    })
  })
  afterEach(async () => {
    await context.close()
    expect(faults).toEqual([])
  })

  const ready = (): Promise<unknown> =>
    page.locator('[data-ready=true]').waitFor({ state: 'attached' })

  test.each(['light', 'dark'] as const)('has no violation that axe finds, %s', async (scheme) => {
    await page.emulateMedia({ colorScheme: scheme })
    const found: string[] = []
    for (const path of pages)
      for (const width of [1280, 390]) {
        await page.setViewportSize({ width, height: 900 })
        await page.goto(base + path)
        const working = ['/train', '/race'].includes(path)
          ? page.getByRole('button', { name: /^(?:Train|Start the race)$/ })
          : page.locator('[data-ready=true]')
        await working.first().waitFor({ state: 'attached' })
        await page.evaluate(axe.source)
        const { violations } = await page.evaluate<axe.AxeResults>('axe.run()')
        for (const { id, nodes } of violations)
          for (const { target, failureSummary } of nodes)
            found.push(`${path} ${width} ${id}: ${target.join(' ')} ${failureSummary}`)
        const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
        expect(overflow, `${path} is wider than ${width}`).toBeLessThanOrEqual(0)
      }
    expect(found).toEqual([])
  })

  test('the first load is at most 1 MB, compressed as hosts do', async () => {
    let bytes = 0
    const sizes: Promise<void>[] = []
    page.on('response', (response) => {
      sizes.push(response.body().then((body) => void (bytes += gzipSync(body).length)))
    })
    await page.goto(base)
    await ready()
    await page.waitForLoadState('networkidle')
    await Promise.all(sizes)
    expect(bytes).toBeLessThan(1e6)
    expect(bytes).toBeGreaterThan(1e5)
  })

  describe('the playground', () => {
    let shown: ImageSet
    beforeAll(async () => {
      const { train } = await loadCifar10()
      shown = train
      await tf.setBackend('wasm')
    })

    /** The pixels of all canvases, in order. */
    const pixels = (): Promise<number[][]> =>
      page.evaluate(`[...document.querySelectorAll('canvas')].map((canvas) =>
        [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data].filter((_, i) => i % 4 < 3))`)

    test('shows each trick with its controls, and the same pixels as the package in Node', async () => {
      for (const { factory, options, stage } of entries) {
        const tricks = [{ factory, options: {} }]
        await page.goto(`${base}/playground#${toAddress({ tricks, seed: 5, step: 3 })}`)
        await page.reload()
        await ready()
        expect(await page.getByRole('alert').allTextContents(), factory).toEqual([])
        await page.getByRole('button', { name: factory, exact: true }).click()
        for (const { name } of options)
          expect(
            await page.getByText(name, { exact: true }).count(),
            `${factory}: ${name}`,
          ).toBeGreaterThan(0)
        expect(await page.locator('.options .control').count()).toBe(options.length)
        if (stage === 'schedule') {
          expect(await page.locator('.rate svg path').count()).toBeGreaterThan(0)
          continue
        }
        const made = (await tricksOf(tricks, entries)).filter(({ images, mix }) => images || mix)
        const batch = batchOf({ set: shown, indices: Int32Array.of(17, 42, 133, 5) }, 0, 4)
        const time = { step: 3, stepsPerEpoch: 391, steps: 30 * 391 }
        const { rows } = await batchSheet(batch, time, {
          tricks: made,
          seed: 5,
          mean: cifar10Mean,
          classes: shown.classes,
        })
        tf.dispose([batch.images, batch.targets])
        const expected = rows
          .filter(({ label }) => label !== 'with')
          .flatMap(({ tiles }) => tiles.map(({ pictures }) => [...pictures[0]!.pixels]))
        expect(await pixels(), factory).toEqual(expected)
      }
    })

    /** Shows cutout alone, then types a length; returns the pixels before. */
    async function cutOut(length: string): Promise<number[][]> {
      const tricks = [{ factory: 'cutout', options: {} }]
      await page.goto(`${base}/playground#${toAddress({ tricks, seed: 1, step: 0 })}`)
      await ready()
      const before = await pixels()
      await page.getByRole('button', { name: 'cutout', exact: true }).click()
      const field = page.getByLabel('length', { exact: true })
      await field.fill(length)
      await field.press('Enter')
      return before
    }

    test('a control changes the picture, the code and the address, which a link restores', async () => {
      const before = await cutOut('4')
      await page.waitForFunction(
        `document.querySelector('[aria-label=Code]').textContent.includes('length: 4')`,
      )
      await ready()
      const after = await pixels()
      expect(after[0]).toEqual(before[0])
      expect(after[4]).not.toEqual(before[4])
      await page.reload()
      await ready()
      expect(await pixels()).toEqual(after)
    })

    test('an invalid value shows the trick’s own error, and keeps the last picture', async () => {
      const before = await cutOut('-3')
      await page.getByRole('alert').waitFor()
      expect(await page.getByRole('alert').textContent()).toBe(
        'cutout: expected length to be a positive integer, got -3',
      )
      expect(await pixels()).toEqual(before)
    })

    test('takes the user’s own pictures, and rejects other files', async () => {
      await page.goto(`${base}/playground`)
      await ready()
      const input = page.locator('input[type=file]')
      await input.setInputFiles([
        { name: 'mine.png', mimeType: 'image/png', buffer: pictureOf(0, 40) },
      ])
      await page.getByText('yours', { exact: true }).first().waitFor()
      await input.setInputFiles([
        { name: 'broken.png', mimeType: 'image/png', buffer: Buffer.from('no picture') },
      ])
      expect(await page.getByRole('alert').textContent()).toMatch(/can’t be read as a picture/)
      await page.getByRole('button', { name: 'Camera' }).click()
      await page.getByRole('alert').getByText('no camera').waitFor()
    })

    test('can be used with the keyboard alone', async () => {
      await page.goto(`${base}/playground`)
      await ready()
      await page.getByRole('button', { name: 'cutout', exact: true }).press('Enter')
      const controls = await page
        .locator('.playground :is(button:not(:disabled), select, input, a, pre)')
        .count()
      await page.getByLabel('Add a trick').focus()
      const reached = new Set<string>()
      for (let i = 0; i < controls + 5; i++) {
        reached.add(
          await page.evaluate(`(() => {
          const all = [...document.querySelectorAll('.playground :is(button:not(:disabled), select, input, a, pre)')]
          return String(all.indexOf(document.activeElement))
        })()`),
        )
        await page.keyboard.press('Tab')
      }
      reached.delete('-1')
      expect(reached.size).toBe(controls)
      await page.getByRole('button', { name: 'Remove cutout' }).press('Enter')
      expect(await page.getByLabel('Code', { exact: true }).textContent()).not.toContain('cutout')
    })
  })

  describe('training in the page', () => {
    const folder = mkdtempSync(join(tmpdir(), 'pictures-'))
    const weights = join(docs, 'public/weights/efficientnet-lite0.pth')
    // Known only after the site was prepared.
    const missing = 'the network’s weights could not be fetched'
    beforeAll(() => {
      for (const [c, name] of ['red', 'green'].entries()) {
        mkdirSync(join(folder, name))
        for (let i = 0; i < 12; i++)
          writeFileSync(join(folder, name, `${i}.png`), pictureOf(c, 64, i))
      }
      writeFileSync(join(folder, 'red', 'broken.jpg'), 'no picture')
    })
    afterAll(() => rmSync(folder, { recursive: true }))

    test('explains what is wrong with a folder', async () => {
      await page.goto(`${base}/train`)
      await page.locator('input[data-folder]').setInputFiles(join(folder, 'red'))
      expect(await page.getByRole('alert').textContent()).toMatch(/at least two folders.*“red”/)
      expect(await page.getByRole('button', { name: 'Train', exact: true }).isDisabled()).toBe(true)
    })

    test('learns two classes, is fine-tuned, classifies, and saves a model that plain tfjs loads', async ({
      skip,
    }) => {
      skip(!existsSync(weights), missing)
      await trainOn('wasm')
      await page.locator('[data-accuracy]').waitFor({ timeout: 0 })
      expect(await page.locator('[data-accuracy]').textContent()).toBe('100.0 %')
      expect(await page.getByText('1 file can’t be read as a picture').count()).toBe(1)
      expect(await page.locator('[data-backend]').textContent()).toMatch(
        /^On the processor, with \d+ threads/,
      )

      await page.getByLabel('epochs').fill('1')
      await page.getByRole('button', { name: 'Fine-tune', exact: true }).click()
      await page.getByText(/Fine-tuning: \d+\.\d %/).waitFor({ timeout: 0 })

      const picture = pictureOf(1, 224, 99)
      await page
        .locator('input[data-try]')
        .setInputFiles([{ name: 'new.png', mimeType: 'image/png', buffer: picture }])
      const shown = page.locator('[data-prediction]')
      await shown.getByText('%').first().waitFor()
      expect(await shown.locator('dt').first().textContent()).toBe('green')
      const probability = Number.parseFloat((await shown.locator('dd').first().textContent())!)

      const files = new Map<string, Buffer>()
      page.on('download', async (download) => {
        files.set(download.suggestedFilename(), readFileSync(await download.path()))
      })
      await page.locator('[data-save]').click()
      await expect.poll(() => files.size, { timeout: 60_000 }).toBe(3)
      expect(JSON.parse(files.get('classes.json')!.toString())).toEqual(['green', 'red'])
      const model = await loadLayersModel(handlerOf(files))
      const [green] = tf.tidy(() => {
        const { data } = decode(picture)
        const values = Float32Array.from(data as Uint8Array, (byte) => byte / 255)
        const images = tf.tensor4d(values, [1, 224, 224, 3])
        return (model.predict(images) as tf.Tensor).dataSync()
      })
      model.dispose()
      expect(green! * 100).toBeCloseTo(probability, 0)
    })

    test('stops on request, and trains again', async ({ skip }) => {
      skip(!existsSync(weights), missing)
      await trainOn('wasm')
      await page.getByRole('button', { name: 'Stop' }).click()
      await page.getByRole('alert').waitFor({ timeout: 0 })
      expect(await page.getByRole('alert').textContent()).toBe('Stopped.')
      await page.getByRole('button', { name: 'Train', exact: true }).click()
      await page.locator('[data-accuracy]').waitFor({ timeout: 0 })
    })

    /** Opens the page with the folder's pictures, and starts training. */
    async function trainOn(backend: string, at = page): Promise<void> {
      await at.goto(`${base}/train`)
      await at.locator('input[data-folder]').setInputFiles(folder)
      await at.getByLabel('on', { exact: true }).selectOption(backend)
      await at.getByRole('button', { name: 'Train', exact: true }).click()
    }

    test('starts again on the processor if the GPU is lost', async ({ skip }) => {
      skip(!existsSync(weights), missing)
      // Its GPU process, which draws in software here, is killed.
      const other = await chromium.launch({
        executablePath,
        args: ['--no-sandbox', '--enable-unsafe-swiftshader', '--ignore-gpu-blocklist'],
      })
      try {
        const own = await other.newPage()
        await trainOn('webgl', own)
        await own.locator('[data-backend]').getByText('with WebGL').waitFor({ timeout: 0 })
        const devtools = await other.newBrowserCDPSession()
        await devtools.send('Browser.crashGpuProcess')
        await own.getByText('no work is lost').waitFor()
        await own.locator('[data-accuracy]').waitFor({ timeout: 0 })
        expect(await own.locator('[data-accuracy]').textContent()).toBe('100.0 %')
        expect(await own.locator('[data-backend]').textContent()).toMatch(/^On the processor/)
        // In this page, the lost device is not tried again.
        await own.getByRole('button', { name: 'Train', exact: true }).click()
        await own.getByRole('alert').waitFor({ timeout: 0 })
        expect(await own.getByRole('alert').textContent()).toMatch(
          /Reload the page to use it again/,
        )
      } finally {
        await other.close()
      }
    })

    test('continues after the browser has frozen its tab', async ({ skip }) => {
      skip(!existsSync(weights), missing)
      await trainOn('wasm')
      await page.getByRole('button', { name: 'Stop' }).waitFor()
      const devtools = await context.newCDPSession(page)
      await devtools.send('Page.setWebLifecycleState', { state: 'frozen' })
      await new Promise((resolve) => setTimeout(resolve, 2000))
      await devtools.send('Page.setWebLifecycleState', { state: 'active' })
      await page.locator('[data-accuracy]').waitFor({ timeout: 0 })
      expect(await page.locator('[data-accuracy]').textContent()).toBe('100.0 %')
    })
  })

  test('two runs race on CIFAR-10', async () => {
    await page.goto(
      `${base}/race#${toAddress({ tricks: [{ factory: 'mixup', options: {} }], seed: 0, step: 0 })}`,
    )
    await page.getByLabel('images').selectOption('2000')
    await page.getByLabel('epochs').fill('1')
    await page.getByLabel('on', { exact: true }).selectOption('wasm')
    await page.getByRole('button', { name: 'Start the race' }).click()
    await page
      .locator('[data-ends]')
      .getByText(/%.*test images/)
      .nth(1)
      .waitFor({ timeout: 0 })
    const [first, second] = await page.locator('[data-ends] li').allTextContents()
    expect(first).toMatch(/quick recipe: \d+\.\d % of 2,000 test images/)
    expect(second).toMatch(/mixup: \d+\.\d % of 2,000 test images/)
  })
})

/** Loads a model from its files. */
function handlerOf(files: ReadonlyMap<string, Buffer>): tf.io.IOHandler {
  const { modelTopology, weightsManifest } = JSON.parse(
    files.get('model.json')!.toString(),
  ) as tf.io.ModelJSON
  const weightData = Uint8Array.from(files.get('weights.bin')!).buffer
  const weightSpecs = weightsManifest.flatMap(({ weights }) => weights)
  return tf.io.fromMemory({ modelTopology, weightSpecs, weightData })
}

/** A picture in one of two colours, with a square somewhere. */
function pictureOf(color: number, side: number, place = 0): Buffer {
  const data = new Uint8Array(side * side * 3)
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      const inside =
        Math.abs(x - ((place * 7) % side)) < side / 4 && Math.abs(y - side / 2) < side / 4
      data[(y * side + x) * 3 + color] = inside ? 250 : 140
      data[(y * side + x) * 3 + 2] = 40 + place
    }
  return Buffer.from(encode({ data, width: side, height: side, channels: 3 }))
}
