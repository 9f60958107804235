import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { countMultiplyAdds, countParameters, createModel, modelNames } from '../src/index.ts'
import { withModel } from './training.ts'

const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8').replace(/ +/g, ' ')

test.each(modelNames)("the README's row of %s matches the counts", (name) => {
  withModel(
    createModel(name, { weights: 'zeros', classes: 10, inputShape: [32, 32, 3] }),
    (model) => {
      const parameters = countParameters(model).toLocaleString('en')
      const multiplyAdds = (countMultiplyAdds(model) / 1e6).toFixed(1)
      expect(readme).toContain(`| \`${name}\` | ${parameters} | ${multiplyAdds} |`)
    },
  )
})

test('multiply-adds match a count by hand', () => {
  withModel(createModel('plain', { widths: [[4], [5]], inputShape: [8, 6, 3] }), (model) => {
    expect(countMultiplyAdds(model)).toBe(9 * 3 * 4 * 8 * 6 + 9 * 4 * 5 * 4 * 3 + 5 * 10)
  })
})
