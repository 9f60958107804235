// Pictures of the documentation site for READMEs and guides, by Chromium, into docs/images. Build the site first:
// `npm run docs:build && node --conditions=@tricks/source workshop/pages/site.ts`.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encode } from 'fast-png'
import { chromium } from 'playwright'
import { loadCifar10 } from '@tricks/cifar10'
import { serveSite } from '../../docs/serve.ts'

const images = join(import.meta.dirname, '../../docs/images')
const perClass = 60
const work = mkdtempSync(join(tmpdir(), 'site-'))
const server = await serveSite(0)
const base = server.resolvedUrls!.local[0]!.replace(/\/$/, '')
const executablePath = process.env['CHROME_BIN'] ?? '/usr/bin/chromium'
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })

/** A few images of each class of CIFAR-10, as a folder of pictures. */
async function folder(): Promise<string> {
  const { train } = await loadCifar10()
  const { height, width, channels, classes } = train
  const bytes = height * width * channels
  for (const [c, name] of classes.entries()) {
    mkdirSync(join(work, name))
    const own = Array.from(train.labels).flatMap((label, i) => (label === c ? [i] : []))
    for (const i of own.slice(0, perClass)) {
      const data = train.images.subarray(i * bytes, (i + 1) * bytes)
      writeFileSync(join(work, name, `${i}.png`), encode({ data, width, height, channels }))
    }
  }
  return work
}

try {
  const page = await browser.newPage({ viewport: { width: 1200, height: 860 } })
  await page.goto(`${base}/playground`)
  await page.locator('[data-ready=true]').waitFor()
  await page.getByRole('button', { name: 'cutout', exact: true }).click()
  await page.screenshot({ path: join(images, 'playground.png') })

  await page.goto(`${base}/train`)
  await page.locator('input[data-folder]').setInputFiles(await folder())
  await page.getByRole('button', { name: 'Train', exact: true }).click()
  await page.locator('[data-accuracy]').waitFor({ timeout: 0 })
  await page.getByRole('heading', { name: '3. What it learned' }).scrollIntoViewIfNeeded()
  const box = await page.getByRole('heading', { name: '3. What it learned' }).boundingBox()
  await page.mouse.wheel(0, box!.y - 80)
  await page.waitForTimeout(500)
  await page.screenshot({ path: join(images, 'train.png') })
} finally {
  await browser.close()
  await server.close()
  rmSync(work, { recursive: true })
}
