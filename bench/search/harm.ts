// Which operations harm on data with a planted control (plant.ts): each is applied to half of the images, with uniformly
// drawn strengths, and compared with no augmentation in pairs with the same seeds.
// `node --conditions=@tricks/source bench/search/harm.ts colours [options]`; interrupted, it continues.
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { populationOperations } from '@tricks/policy-search'
import { type Control, plantPictures } from './plant.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    images: { type: 'string', default: '5000' },
    test: { type: 'string', default: '4000' },
    epochs: { type: 'string', default: '20' },
    seeds: { type: 'string', default: '4' },
    precision: { type: 'string', default: 'float32' },
    out: { type: 'string', default: 'runs/harm' },
  },
})
const control = positionals[0] as Control
const folder = resolve(values.out, control)
const data = join(folder, 'data')
await plantPictures(control, data, {
  images: Number(values.images),
  test: Number(values.test),
  seed: 0,
})

/** Operations without a strength ignore it. */
const strengths = Array.from({ length: 10 }, (_, i) => i)

/** A recipe that applies an operation to half of the images. */
function recipeWith(op: string): string {
  const policy = strengths.map((strength) => [[op, 0.5, strength]])
  return `import { autoAugment } from '@tricks/autoaugment'
import { recipeNamed } from '@tricks/cli'
import { tricksOf } from '@tricks/run'
const base = await recipeNamed('base')
const policy = ${JSON.stringify(policy)}
export default { ...base, tricks: (context) => [autoAugment({ policy }), ...tricksOf(base, context)] }
`
}

const recipes = join(import.meta.dirname, '../../runs/harm-recipes')
mkdirSync(recipes, { recursive: true })
const files = populationOperations.map((op) => {
  const file = join(recipes, `${op}.recipe.mjs`)
  writeFileSync(file, recipeWith(op))
  return file
})
const { test: _, out: __, ...shared } = values
const flags = Object.entries({ ...shared, data, out: join(folder, 'runs') }).flatMap(
  ([name, value]) => [`--${name}`, value],
)
const bench = join(import.meta.dirname, '../recipes.ts')
const node = ['--conditions=@tricks/source', '--no-warnings', bench, 'base', ...files]
const { status } = spawnSync(process.execPath, [...node, ...flags], { stdio: 'inherit' })
process.exitCode = status ?? 1
