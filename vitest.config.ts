import { existsSync } from 'node:fs'
import { playwright } from '@vitest/browser-playwright'
import { defineConfig } from 'vitest/config'
import { findWebgpu } from './workshop/webgpu.ts'
import { cacheFolder } from './packages/data/wheels/src/cache.ts'

const chromium = process.env['CHROME_BIN'] ?? '/usr/bin/chromium'
const browser = existsSync(chromium)
if (!browser)
  console.warn(`The browser tests are skipped: no Chromium at ${chromium} (set CHROME_BIN).`)
if (!existsSync(cacheFolder('native')))
  console.warn('The tests on TensorFlow are skipped: it is not installed (npm run native).')
const webgpu = findWebgpu()
if ('reason' in webgpu) console.warn(`The tests on WebGPU are skipped: ${webgpu.reason}`)
// What a process loads libraries by has to be there when it starts.
else Object.assign(process.env, webgpu.environment)
// Empty for no tests on WebGPU, 'all' for all of them on a software device too, which takes a quarter of an hour.
const testsWebgpu = 'reason' in webgpu ? '' : (process.env['TRICKS_TEST_WEBGPU'] ?? '1')

// Tests import the sources, so none needs a build. `*.node.test.ts` uses files or processes.
const conditions = ['@tricks/source']
const tests = [
  'workshop/test/*.test.ts',
  'packages/**/test/**/*.test.ts',
  'examples/**/test/**/*.test.ts',
  'docs/test/*.test.ts',
]
const exclude = ['**/node_modules/**', '**/dist/**']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    // A slow machine must not fail tests.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    // All processors: by itself vitest leaves one alone, of two.
    maxWorkers: '100%',
    // Test files already run on all processors; results don't depend on the number of threads.
    env: { TRICKS_TEST_WEBGPU: testsWebgpu, TRICKS_THREADS: '1' },
    projects: [
      {
        extends: true,
        test: { name: 'node', include: tests, exclude, setupFiles: ['workshop/backends.node.ts'] },
      },
      ...(browser
        ? [
            {
              extends: true as const,
              resolve: {
                conditions: [...conditions, 'module', 'browser', 'development|production'],
              },
              test: {
                name: 'browser',
                include: tests,
                exclude: [...exclude, '**/*.node.test.ts', 'examples/**', 'docs/**'],
                setupFiles: ['workshop/backends.browser.ts'],
                browser: {
                  enabled: true,
                  headless: true,
                  screenshotFailures: false,
                  provider: playwright({
                    launchOptions: {
                      executablePath: chromium,
                      args: ['--no-sandbox', '--enable-unsafe-webgpu'],
                    },
                  }),
                  instances: [{ browser: 'chromium' as const }],
                },
              },
            },
          ]
        : []),
    ],
  },
})
