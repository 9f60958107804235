// Tests the pages in a real browser, at phone and desktop widths, light and dark.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { classAccuracies, confusionMatrix } from '@tricks/run/record'
import { comparisonPage, reportPage } from '../src/index.ts'
import { classes, records } from './example.ts'

const executablePath = process.env['CHROME_BIN'] ?? '/usr/bin/chromium'
const root = mkdtempSync(join(tmpdir(), 'report-'))
afterAll(() => rmSync(root, { recursive: true }))

const widths = { phone: 375, desktop: 1280 } as const
const [five, names] = [Object.values(records).slice(0, 5), Object.keys(records).slice(0, 5)]

/** The parts of a complete run's page. */
const parts = {
  accuracy: 'h1',
  'accuracy curve': '#accuracy svg path',
  'loss curve': '#loss svg path',
  'rate curve': '#rate svg path',
  pipeline: '.pipeline tr',
  batch: '#batch li img',
  confusion: '#confusion td',
  'recall per class': '#per-class tbody tr',
  'worst mistakes': '#worst img',
  'most confident mistakes': '#most-confident img',
  calibration: '#calibration svg path',
  speed: '#speed svg path',
  seconds: '#seconds svg path',
  memory: '#memory svg path',
  configuration: '#configuration dd',
  'how to run it again': '#again code',
}

describe.skipIf(!existsSync(executablePath))('in Chromium', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
  })
  afterAll(() => browser.close())

  /** Opens a page and checks what every page guarantees. */
  async function open(
    content: string,
    look: (page: Page) => Promise<void>,
    { width = 375, dark = false } = {},
  ): Promise<void> {
    const file = join(root, 'page.html')
    writeFileSync(file, content)
    const page = await browser.newPage({
      viewport: { width, height: 800 },
      colorScheme: dark ? 'dark' : 'light',
    })
    const output: string[] = []
    const asked: string[] = []
    page.on('console', (message) => output.push(message.text()))
    page.on('pageerror', ({ message }) => output.push(message))
    page.on('request', (request) => asked.push(request.url()))
    try {
      await page.goto(pathToFileURL(file).href)
      expect(output).toEqual([])
      expect(asked.filter((url) => !url.startsWith('data:'))).toEqual([pathToFileURL(file).href])
      const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth'
      expect(await page.evaluate(overflow)).toBe(0)
      const broken = '[...document.images].filter((image) => image.naturalWidth === 0).length'
      expect(await page.evaluate(broken)).toBe(0)
      const ids = await page.evaluate<string[]>(
        '[...document.querySelectorAll("[id]")].map(({ id }) => id)',
      )
      expect(new Set(ids).size).toBe(ids.length)
      await look(page)
    } finally {
      await page.close()
    }
  }

  test.each(Object.entries(widths))("a run's page has every part, on a %s", async (_, width) => {
    await open(
      reportPage(records.finished),
      async (page) => {
        for (const [part, selector] of Object.entries(parts)) {
          const box = await page.locator(selector).first().boundingBox()
          expect(box, part).not.toBeNull()
          expect(box!.x + box!.width, part).toBeLessThanOrEqual(width)
        }
        expect(await page.locator('h1').innerText()).toMatch(/80\.50\s*%/)
        expect(await page.locator('.lead').innerText()).toMatch(
          /^Test accuracy on 200 images; 95\s% interval 74\.5 to 85\.4\s%\.$/,
        )
        expect(await page.locator('#confusion td').count()).toBe(16)
        await page.locator('#epochs summary').click()
        const epochs = await page.locator('#epochs tbody tr').allInnerTexts()
        expect(epochs).toHaveLength(3)
        expect(epochs[2]!.split(/\s+/).slice(0, 3)).toEqual(['3', '0', '1.000'])
        expect(epochs[2]).toMatch(/70\.00\s%\s+0\.900\s+75\.00\s%/)
        // A name is text, whatever it contains.
        const recalls = await page.locator('#per-class tbody tr').allInnerTexts()
        const expected = classAccuracies(confusionMatrix(records.finished.test!))
        expected.forEach(({ images, accuracy }, c) => {
          const row = recalls.find((text) => text.startsWith(classes[c]!))!
          expect(row).toContain(`${(accuracy * 100).toFixed(1)}\u202f%`)
          expect(row).toContain(`${Math.round(accuracy * images)} / ${images}`)
        })
        expect(await page.locator('#per-class b').count()).toBe(0)
        expect(await page.locator('#per-class').innerText()).toContain('<b>dog</b>')
        const settings = await page.locator('#configuration').innerText()
        for (const words of [
          'Source\n./pictures',
          'Validation images\n100 of the training images',
          'Image size\n6 × 8, 3 channels',
          'Recipe\nquick',
          'Momentum, learningRate 0.1, momentum 0.9',
          'Model\nplain, 99,450 parameters',
          'Seed\n1',
          'Processor\na processor, 2 cores',
        ])
          expect(settings).toContain(words)
        expect(await page.locator('#again code').innerText()).toBe(
          'tricks train ./pictures --recipe quick --seed 1',
        )
      },
      { width },
    )
  })

  test('all text, including in charts, is large enough on a phone', async () => {
    await open(reportPage(records.finished), async (page) => {
      const smallest = await page.evaluate<number>(`Math.min(
        ...[...document.querySelectorAll('svg')].flatMap((svg) => {
          const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width
          return [...svg.querySelectorAll('text')].map((text) => parseFloat(getComputedStyle(text).fontSize) * scale)
        }),
        ...[...document.querySelectorAll('p, td, th, dd, dt, li')].map((text) => parseFloat(getComputedStyle(text).fontSize)),
      )`)
      expect(smallest).toBeGreaterThanOrEqual(9.9)
    })
  })

  test('light and dark mode, charts included', async () => {
    const colors: string[][] = []
    for (const dark of [false, true])
      await open(
        reportPage(records.finished),
        async (page) => {
          colors.push(
            await page.evaluate<string[]>(`[
              getComputedStyle(document.body).backgroundColor,
              getComputedStyle(document.body).color,
              getComputedStyle(document.querySelector('#rate svg text')).fill,
              getComputedStyle(document.querySelector('#rate svg [stroke="var(--ink)"]')).stroke,
            ]`),
          )
        },
        { dark },
      )
    const [light, dark] = colors
    light!.forEach((color, i) => expect(color).not.toBe(dark![i]))
    const brightness = (color: string): number =>
      color
        .match(/\d+/g)!
        .slice(0, 3)
        .reduce((sum, value) => sum + Number(value), 0) / 765
    expect(brightness(light![0]!)).toBeGreaterThan(0.9)
    expect(brightness(dark![0]!)).toBeLessThan(0.15)
  })

  test.each([
    [
      'failed',
      [
        'the loss is NaN at step 90 <img>',
        'truncated, so it is ignored',
        'The test images are evaluated at the end of a run',
      ],
    ],
    ['running', ['running', 'not finished when this page was made', '60']],
    [
      'started',
      ['running when it was last recorded', 'No accuracy yet', 'Nothing was recorded yet'],
    ],
    ['killed', ['exited unexpectedly', 'from its last checkpoint with tricks resume']],
    ['resumed', ['Stopped and resumed, after steps 40, 77']],
    ['unvalidated', ['No validation images were evaluated', '80.50']],
    [
      'untested',
      [
        'Validation accuracy on 20 images; 95\u202f% interval',
        'The data has no test images.',
        '20 validation images: one row per true class',
        'Misclassified validation images',
        'Test images\nnone',
      ],
    ],
    ['nothing', ['run.json is missing', 'No accuracy yet', 'The command was not recorded']],
    ['damaged', ['run.json can’t be read', 'test.safetensors can’t be read']],
  ] as const)('the page of a run that is %s shows its state', async (name, expected) => {
    await open(reportPage(records[name]), async (page) => {
      const text = (await page.locator('main').innerText()).replaceAll("'", '’')
      for (const words of expected) expect(text).toContain(words)
      expect(await page.locator('h2').allInnerTexts()).toEqual([
        'Training',
        'Pipeline',
        'What the network saw',
        'Classes',
        'Calibration',
        'Mistakes',
        'Time and memory',
        'Configuration',
        'Command',
      ])
    })
  })

  test.each(Object.entries(widths))(
    'five runs in one page, one failed and one running, on a %s',
    async (_, width) => {
      await open(
        comparisonPage(five),
        async (page) => {
          expect(names).toEqual(expect.arrayContaining(['failed', 'running']))
          const rows = await page.locator('#runs tbody tr').allInnerTexts()
          expect(rows).toHaveLength(5)
          names.forEach((name, i) => expect(rows[i]).toContain(name))
          expect(rows[names.indexOf('failed')]).toMatch(/failed\s+failed/)
          expect(rows[names.indexOf('running')]).toMatch(/running\s+running/)
          expect(await page.locator('h1').innerText()).toMatch(/88\.00\s*%/)
          expect(await page.locator('.lead').innerText()).toContain('7.50 points ahead of the next')
          // A curve per run, except for the one that has just started.
          for (const [chart, curves] of [
            ['accuracy', 4],
            ['loss', 4],
            ['rate', 4],
          ] as const) {
            const strokes = await page.evaluate<string[]>(
              `[...document.querySelectorAll('#${chart} svg [stroke^="var(--run-"]')].map((path) => path.getAttribute('stroke'))`,
            )
            expect(new Set(strokes).size, chart).toBe(curves)
          }
          const differences = await page.locator('#differences tbody th').allInnerTexts()
          expect(differences).toContain('Seed')
          expect(differences).not.toContain('Recipe')
          expect(await page.locator('#classes tbody tr').count()).toBe(4)
        },
        { width },
      )
    },
  )

  test.each(['manyClasses', 'hundred'] as const)(
    'of %s the confusion is a heat map with its numbers below, and all classes are named',
    async (name) => {
      await open(reportPage(records[name]), async (page) => {
        const matrix = confusionMatrix(records[name].test!)
        const size = matrix.length
        expect(await page.locator('#confusion td').count()).toBe(0)
        const filled = matrix.flat().filter((times) => times > 0).length
        expect(await page.locator('#confusion rect').count()).toBe(filled)
        const [label, row] = [...matrix.entries()].find(([i]) => matrix[i]![i]! > 0)!
        const images = row.reduce((sum, times) => sum + times, 0)
        const words = `a_class_of_number_${label} → a_class_of_number_${label}: ${row[label]} of ${images}`
        expect(await page.locator('#confusion title').allTextContents()).toContain(words)
        expect(await page.locator('#per-class tbody tr').count()).toBe(size)
        const last = `a_class_of_number_${size - 1}`
        expect(await page.locator('#per-class').innerText()).toContain(last)

        await page.locator('#confusion-table summary').click()
        expect(await page.locator('#confusion-table td').count()).toBe(size ** 2)
        // Row and column names stay visible when the table is scrolled.
        const inView = `(() => {
          const box = document.querySelector('#confusion-table .scroll')
          box.scrollTo(box.scrollWidth, box.scrollHeight)
          const { top, left } = box.getBoundingClientRect()
          const [column, row] = ['thead th:last-child', 'tbody tr:last-child th']
            .map((each) => box.querySelector(each).getBoundingClientRect())
          return [column.top - top, row.left - left]
        })()`
        const [top, left] = await page.evaluate<[number, number]>(inView)
        expect(Math.abs(top)).toBeLessThan(3)
        expect(Math.abs(left)).toBeLessThan(3)
      })
    },
  )

  test.each([
    ['twoClasses', 4],
    ['fifteenClasses', 225],
  ] as const)('of %s the confusion matrix can be read on a phone', async (name, cells) => {
    await open(reportPage(records[name]), async (page) => {
      expect(await page.locator('#confusion td').count()).toBe(cells)
      const sizes = await page.evaluate<number[]>(
        `[...document.querySelectorAll('#confusion td')].map((cell) => cell.clientWidth - cell.scrollWidth)`,
      )
      expect(Math.min(...sizes)).toBeGreaterThanOrEqual(0)
    })
  })

  test('with imbalanced classes it shows the mean recall beside the accuracy', async () => {
    await open(reportPage(records.uneven), async (page) => {
      const recalls = classAccuracies(confusionMatrix(records.uneven.test!))
      const sizes = recalls.map(({ images }) => images)
      const mean = recalls.reduce((sum, { accuracy }) => sum + accuracy, 0) / recalls.length
      const text = await page.locator('#classes').innerText()
      expect(text).toContain(`${Math.min(...sizes)} to ${Math.max(...sizes)} images each`)
      expect(text).toContain(`${(mean * 100).toFixed(1)}\u202f%`)
    })
    await open(reportPage(records.finished), async (page) => {
      expect(await page.locator('#classes').innerText()).not.toContain('images each')
    })
  })

  test('photographs are shown large and smooth, small pictures with square pixels', async () => {
    const shown = async (name: 'photographs' | 'finished' | 'satellite', width: number) => {
      const found: { box: number; natural: number; rendering: string }[] = []
      await open(
        reportPage(records[name]),
        async (page) => {
          found.push(
            await page.evaluate(`(() => {
              const image = document.querySelector('#worst img')
              const { width } = image.getBoundingClientRect()
              return { box: width, natural: image.naturalWidth, rendering: getComputedStyle(image).imageRendering }
            })()`),
          )
        },
        { width },
      )
      return found[0]!
    }
    const large = await shown('photographs', 1280)
    expect(large).toMatchObject({ natural: 224, rendering: 'auto' })
    expect(large.box).toBeGreaterThan(150)
    expect((await shown('photographs', 375)).box).toBeGreaterThan(100)
    expect(await shown('finished', 375)).toMatchObject({ natural: 8, rendering: 'pixelated' })
    expect(await shown('satellite', 375)).toMatchObject({ natural: 9 })
  })

  test('runs without test images are compared by their validation images', async () => {
    const other = { ...records.untested, name: 'other' }
    await open(comparisonPage([records.untested, other]), async (page) => {
      expect(await page.locator('.lead').innerText()).toContain(
        'Best validation accuracy: untested',
      )
      expect(await page.locator('#runs thead').innerText()).not.toContain('Test')
      expect(await page.locator('#classes').innerText()).toContain('On the validation images')
    })
    // A test accuracy is not compared with a validation accuracy.
    await open(comparisonPage([records.untested, records.finished]), async (page) => {
      expect(await page.locator('h1').innerText()).toMatch(/80\.50\s*%/)
      expect(await page.locator('#classes thead').innerText()).not.toContain('untested')
    })
  })

  test('unknown runs can be compared too', async () => {
    await open(comparisonPage([records.nothing, records.damaged]), async (page) => {
      expect(await page.locator('main').innerText()).toContain('No test accuracy yet')
    })
  })
})
