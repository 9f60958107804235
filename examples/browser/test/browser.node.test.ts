import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright'
import { build, preview } from 'vite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const executablePath = process.env['CHROME_BIN'] ?? '/usr/bin/chromium'
const folder = mkdtempSync(join(tmpdir(), 'page-'))
const configFile = join(import.meta.dirname, '../vite.config.ts')
const common = {
  configFile,
  logLevel: 'error' as const,
  build: { outDir: folder, emptyOutDir: true },
}

describe.skipIf(!existsSync(executablePath))('the page', () => {
  let server: Awaited<ReturnType<typeof preview>>
  beforeAll(async () => {
    await build(common)
    server = await preview({ ...common, preview: { port: 0 } })
  })
  afterAll(async () => {
    await server.close()
    rmSync(folder, { recursive: true, force: true })
  })

  test.each(['wasm', ...(process.env['TRICKS_TEST_WEBGPU'] ? ['webgpu'] : [])])(
    'trains a few steps of the quick recipe on %s',
    async (backend) => {
      const browser = await chromium.launch({
        executablePath,
        args: ['--no-sandbox', '--enable-unsafe-webgpu'],
      })
      try {
        const page = await browser.newPage()
        const flags = 'limit=24&epochs=1&batch=8&tfjsflags=WEBGPU_SOFTWARE:true'
        await page.goto(`${server.resolvedUrls!.local[0]}?backend=${backend}&${flags}`)
        const end = page.getByText(/of the test images classified correctly|It failed/)
        await end.waitFor({ timeout: 0 })
        const log = await page.locator('#log').textContent()
        expect(log).toContain(`Backend: ${backend}`)
        expect(log).toMatch(/Epoch 1: training loss \d\.\d+/)
        expect(await end.textContent()).toMatch(
          /^\d+\.\d\d % of the test images classified correctly/,
        )
      } finally {
        await browser.close()
      }
    },
  )
})
