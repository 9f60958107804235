// Which operations harm on data with a planted control (plant.ts): each is applied to half of the images, with uniformly
// drawn strengths, and compared with no augmentation in pairs with the same seeds.
// `node --conditions=@tricks/source bench/search/harm.ts colours [options]`; interrupted, it continues.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { loadCifar10 } from '@tricks/cifar10'
import { populationOperations } from '@tricks/policy-search'
import { type Control, plant, someOf, writePictures } from './plant.ts'
import { withoutStrength } from './exposure.ts'

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
if (!existsSync(join(data, 'test'))) {
  const { train, test } = await loadCifar10()
  for (const [set, name, seed] of [
    [someOf(train, Number(values.images), 0), 'train', 0],
    [someOf(test, Number(values.test), 0), 'test', 1],
  ] as const)
    writePictures(plant(set, control, seed), join(data, name))
}

/** A recipe that applies an operation to half of the images. */
function recipeWith(op: string): string {
  const strengths = withoutStrength.includes(op) ? [null] : Array.from({ length: 10 }, (_, i) => i)
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
