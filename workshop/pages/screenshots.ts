// Pictures of the pages of real runs for the READMEs, by Chromium, into examples/cifar10/images:
// `node --conditions=@tricks/source workshop/pages/screenshots.ts RUN OTHER...` draws the page of RUN, and the comparison.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { chromium } from 'playwright'
import { comparisonPage, reportPage } from '@tricks/report'
import { readRunFolder } from '@tricks/run'

const [run, ...others] = process.argv.slice(2).map((path) => resolve(path))
if (run === undefined || others.length === 0)
  throw new Error('expected two or more folders of runs')
const folder = join(import.meta.dirname, '../../examples/cifar10/images')
const work = mkdtempSync(join(tmpdir(), 'screenshots-'))
const executablePath = process.env['CHROME_BIN'] ?? '/usr/bin/chromium'
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
try {
  const [one, all] = ['one.html', 'all.html'].map((name) => join(work, name)) as [string, string]
  writeFileSync(one, reportPage(readRunFolder(run)))
  writeFileSync(all, comparisonPage([run, ...others].map(readRunFolder)))
  for (const [name, file, size, scheme, scale, at] of [
    ['report-light', one, [1208, 1010], 'light', 1, 'h1'],
    ['report-dark', one, [1208, 1010], 'dark', 1, '#classes'],
    ['report-phone', one, [375, 812], 'dark', 2, 'h1'],
    ['comparison', all, [1208, 1180], 'light', 1, 'h1'],
  ] as const) {
    const [width, height] = size
    const page = await browser.newPage({
      viewport: { width, height },
      colorScheme: scheme,
      deviceScaleFactor: scale,
    })
    await page.goto(pathToFileURL(file).href)
    const top = await page.evaluate<number>(
      `document.querySelector('${at}').closest('section, header').getBoundingClientRect().top - 40`,
    )
    const path = join(folder, `${name}.png`)
    await page.screenshot({
      path,
      fullPage: true,
      clip: { x: 0, y: Math.max(0, top), width, height },
    })
    await page.close()
    console.log(path)
  }
} finally {
  await browser.close()
  rmSync(work, { recursive: true })
}
