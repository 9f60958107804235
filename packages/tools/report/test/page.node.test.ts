// The pages in a real browser, as wide as a phone and as a desk, by day and by night.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { comparisonPage, reportPage } from '../src/index.ts'
import { records } from './example.ts'

const executablePath = process.env['CHROME_BIN'] ?? '/usr/bin/chromium'
const root = mkdtempSync(join(tmpdir(), 'report-'))
afterAll(() => rmSync(root, { recursive: true }))

const sizes = { phone: 375, desk: 1280 } as const
const [five, names] = [Object.values(records).slice(0, 5), Object.keys(records).slice(0, 5)]

/** Everything that a page of a whole run has. */
const parts = {
  accuracy: 'h1',
  'accuracy curve': '#accuracy svg path',
  'loss curve': '#loss svg path',
  'rate curve': '#rate svg path',
  pipeline: '.pipeline tr',
  batch: '#batch li img',
  confusion: '#confusion td',
  'accuracy of each class': '#per-class li',
  'worst mistakes': '#worst img',
  'most confident mistakes': '#surest img',
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

  /** Opens a page, and holds it to what every page promises. */
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
    const said: string[] = []
    const asked: string[] = []
    page.on('console', (message) => said.push(message.text()))
    page.on('pageerror', ({ message }) => said.push(message))
    page.on('request', (request) => asked.push(request.url()))
    try {
      await page.goto(pathToFileURL(file).href)
      expect(said).toEqual([])
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

  test.each(Object.entries(sizes))('a run has every part, on a %s', async (_, width) => {
    await open(
      reportPage(records.finished),
      async (page) => {
        for (const [part, selector] of Object.entries(parts)) {
          const box = await page.locator(selector).first().boundingBox()
          expect(box, part).not.toBeNull()
          expect(box!.x + box!.width, part).toBeLessThanOrEqual(width)
        }
        expect(await page.locator('h1').innerText()).toMatch(/80\.50\s*%/)
        expect(await page.locator('#confusion td').count()).toBe(16)
        await page.locator('#epochs summary').click()
        const epochs = await page.locator('#epochs tbody tr').allInnerTexts()
        expect(epochs).toHaveLength(3)
        expect(epochs[2]!.split(/\s+/).slice(0, 3)).toEqual(['3', '0', '1.000'])
        expect(epochs[2]).toMatch(/70\.00\s%\s+0\.900\s+75\.00\s%/)
        // A name is text, whatever is in it.
        expect(await page.locator('#per-class b').count()).toBe(0)
        expect(await page.locator('#per-class').innerText()).toContain('<b>dog</b>')
        expect(await page.locator('#again code').innerText()).toBe(
          'npm start -- --recipe quick --seed 1',
        )
      },
      { width },
    )
  })

  test('text is large enough to read on a phone, charts and all', async () => {
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

  test('light by day and dark by night, charts too', async () => {
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
        'is cut, and left out',
        'test images were not looked at',
      ],
    ],
    ['running', ['still running', 'wasn’t over when this page was made', '60']],
    ['begun', ['running when last heard of', 'No accuracy yet', 'Nothing was recorded yet']],
    ['killed', ['ended without a word', 'go on from its last checkpoint']],
    ['resumed', ['Stopped and resumed, after steps 40, 77']],
    ['unvalidated', ['Nothing was evaluated on validation images', '80.50']],
    ['nothing', ['There is no run.json', 'No accuracy yet', 'The command was not recorded']],
    ['damaged', ['run.json can’t be read', 'test.safetensors can’t be read']],
  ] as const)('a run that is %s has a page that says so', async (name, expected) => {
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
        'Run it again',
      ])
    })
  })

  test.each(Object.entries(sizes))(
    'five runs in one page, one failed and one going on, on a %s',
    async (_, width) => {
      await open(
        comparisonPage(five),
        async (page) => {
          expect(names).toEqual(expect.arrayContaining(['failed', 'running']))
          const rows = await page.locator('#runs tbody tr').allInnerTexts()
          expect(rows).toHaveLength(5)
          names.forEach((name, i) => expect(rows[i]).toContain(name))
          expect(rows[names.indexOf('failed')]).toMatch(/failed\s+failed/)
          expect(rows[names.indexOf('running')]).toContain('still running')
          expect(await page.locator('h1').innerText()).toMatch(/88\.00\s*%/)
          expect(await page.locator('.lead').innerText()).toContain('7.50 points ahead of the next')
          // A curve a run that has one: the one that has just begun has none.
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
          expect(differences).toContain('flags · seed')
          expect(differences).not.toContain('flags · recipe')
          expect(await page.locator('#classes tbody tr').count()).toBe(4)
        },
        { width },
      )
    },
  )

  test('of many classes the confusion is a picture, and all of them are named', async () => {
    await open(reportPage(records.manyClasses), async (page) => {
      expect(await page.locator('#confusion td').count()).toBe(0)
      const size = 'document.querySelector("#confusion img").naturalWidth'
      expect(await page.evaluate(size)).toBe(50)
      expect(await page.locator('#per-class li').count()).toBe(50)
      expect(await page.locator('#per-class').innerText()).toContain('a_class_of_number_49')
    })
  })

  test('runs of which nothing is known can be compared too', async () => {
    await open(comparisonPage([records.nothing, records.damaged]), async (page) => {
      expect(await page.locator('main').innerText()).toContain('No test accuracy yet')
    })
  })
})
