// Runs the commands of the guide on your own pictures in order, and its page in a browser. Only the weights are
// generated, so that nothing is downloaded.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { paint, writeWeights } from '../../packages/tools/cli/test/pictures.ts'
import { startIn } from '../../packages/tools/cli/test/program.ts'
import { blocksOf, read, root } from './blocks.ts'

const folder = mkdtempSync(join(tmpdir(), 'guide-'))
afterAll(() => rmSync(folder, { recursive: true }))
const blocks = blocksOf(read('docs/guide/pictures.md'))
const page = blocks.find(({ language }) => language === 'html')!.code
const commands = blocks
  .filter(({ language }) => language === 'sh')
  .flatMap(({ code }) => code.trim().split('\n'))

const executablePath = process.env['CHROME_BIN'] ?? '/usr/bin/chromium'
const picture = 'picture.jpg'

beforeAll(async () => {
  await paint(join(folder, 'pictures'), { blue: 4, green: 4, red: 4 }, 224)
  await paint(join(folder, 'new'), { green: 1 }, 224)
  writeFileSync(join(folder, picture), readFileSync(join(folder, 'new/green/0.png')))
  await writeWeights(join(folder, 'weights.safetensors'))
})

/** The network's prediction for the new picture. */
let predicted: { readonly name: string; readonly percent: number }

test('every command does what the guide says', async () => {
  const outputs = new Map<string, string>()
  for (const command of commands) {
    if (command.startsWith('npm install')) continue
    expect(command).toMatch(/^npx tricks /)
    const words = command.split(' ').slice(2)
    if (words[0] === 'train') words.push('--from', './weights.safetensors')
    const { code, output } = await startIn(folder, words).ended
    expect(code, `${command}\n${output}`).toBe(0)
    outputs.set(words.slice(0, 2).join(' '), output)
  }
  const [, name, percent] = /^picture\.jpg: (\w+) (\d+\.\d) %/.exec(
    outputs.get('predict runs/first')!,
  )!
  predicted = { name: name!, percent: Number(percent) }
  expect(outputs.get('export runs/first')).toMatch(/model-int8\.onnx +\d+\.\d\d MB/)
  for (const file of ['runs/first/report.html', 'site/model/model.json', 'model/model.onnx'])
    expect(existsSync(join(folder, file)), file).toBe(true)
})

test.skipIf(!existsSync(executablePath))('the page makes the same prediction', async () => {
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
  try {
    const tab = await browser.newPage()
    const answer = (): Promise<string | null> => tab.locator('p').textContent()
    await tab.route('**/*', (route) => {
      const { host, pathname } = new URL(route.request().url())
      if (host !== 'site')
        return route.fulfill({
          path: join(root, 'workshop/node_modules/@tensorflow/tfjs/dist/tf.min.js'),
        })
      if (pathname === '/') return route.fulfill({ body: page, contentType: 'text/html' })
      return route.fulfill({ path: join(folder, 'site', pathname) })
    })
    await tab.goto('http://site/')
    await tab.locator('input:enabled').setInputFiles(join(folder, picture))
    await expect.poll(answer, { timeout: 60_000 }).not.toBe('')
    const [, name, percent] = /^(\w+) \((\d+) %\)$/.exec((await answer())!)!
    expect(name).toBe(predicted.name)
    expect(Math.abs(Number(percent) - predicted.percent)).toBeLessThan(2)
  } finally {
    await browser.close()
  }
})
