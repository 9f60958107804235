import { defineConfig } from 'vitest/config'

// Of workshop/mutate.mjs: the tests in Node, which run one package's at a time.
const conditions = ['@tricks/source']
export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['**/test/**/*.test.ts'],
    // It reads 150 million numbers, each in instrumented code.
    exclude: ['**/cifar10.node.test.ts', '**/node_modules/**'],
    setupFiles: ['workshop/backends.node.ts'],
    testTimeout: 300_000,
  },
})
