// Recipes against each other, in pairs with the same seeds, on the test images of CIFAR-10 or --data: each run is the command
// `train` in a separate process. Prints a table of accuracies and of differences from the first recipe.
// `node --conditions=@tricks/source bench/recipes.ts base ./tuned.recipe.mjs [options]`; interrupted, it continues.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { effectText, estimate } from '@tricks/ablation'

const { values, positionals: recipes } = parseArgs({
  allowPositionals: true,
  options: {
    data: { type: 'string', default: 'cifar10' },
    size: { type: 'string', default: '32' },
    seeds: { type: 'string', default: '10' },
    first: { type: 'string', default: '100' },
    images: { type: 'string', default: '5000' },
    epochs: { type: 'string', default: '40' },
    precision: { type: 'string', default: 'bfloat16' },
    processes: { type: 'string', default: '2' },
    out: { type: 'string', default: 'runs/recipes' },
  },
})
if (recipes.length < 2) throw new Error('expected two or more recipes: names or files')
const command = join(import.meta.dirname, '../packages/tools/cli/src/cli.ts')

const folderOf = (recipe: string, seed: number): string =>
  resolve(values.out, `${basename(recipe).replace(/\.recipe\.\w+$/, '')}-${seed}`)

/** The accuracy of a run that has ended, early stopping included. */
function accuracyIn(folder: string): number | undefined {
  const file = join(folder, 'run.json')
  if (!existsSync(file)) return undefined
  const { test } = JSON.parse(readFileSync(file, 'utf8')) as {
    readonly test?: { readonly accuracy: number }
  }
  return test?.accuracy
}

async function train(recipe: string, seed: number): Promise<void> {
  const folder = folderOf(recipe, seed)
  if (accuracyIn(folder) !== undefined) return
  const { data, size, images, epochs, precision } = values
  const words = existsSync(join(folder, 'run.json'))
    ? ['resume', folder]
    : ['train', data, '--recipe', recipe, '--out', folder]
        .concat(`--seed ${seed} --limit ${images}`.split(' '))
        .concat(`--epochs ${epochs} --precision ${precision}`.split(' '))
        .concat(data.startsWith('cifar') ? [] : ['--size', size])
  const node = ['--conditions=@tricks/source', '--no-warnings', command]
  const child = spawn(process.execPath, [...node, ...words, '--progress', 'quiet'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const code = await new Promise((done) => child.on('close', done))
  if (code !== 0) throw new Error(`${recipe}, seed ${seed}: ended with ${String(code)}`)
  const accuracy = accuracyIn(folder)
  if (accuracy === undefined) throw new Error(`${recipe}, seed ${seed}: no accuracy in ${folder}`)
  console.log(`${recipe}, seed ${seed}: ${(accuracy * 100).toFixed(2)} %`)
}

const seeds = Array.from({ length: Number(values.seeds) }, (_, i) => Number(values.first) + i)
// Pair by pair, so that an interrupted bench has whole pairs.
const waiting = seeds.flatMap((seed) => recipes.map((recipe) => [recipe, seed] as const))
const worker = async (): Promise<void> => {
  for (let next = waiting.shift(); next; next = waiting.shift()) await train(...next)
}
await Promise.all(Array.from({ length: Number(values.processes) }, worker))

const accuracies = recipes.map((recipe) =>
  seeds.map((seed) => accuracyIn(folderOf(recipe, seed))! * 100),
)
console.log(
  `\n${values.images} images, those for validation included, ${values.epochs} epochs, ${values.precision}, n = ${seeds.length} seeds; ` +
    `${cpus().length} × ${cpus()[0]!.model}, Node ${process.version}\n`,
)
console.log(`| recipe | accuracy, % | − ${recipes[0]} |\n| --- | ---: | ---: |`)
for (const [i, recipe] of recipes.entries()) {
  const { mean, deviation } = estimate(accuracies[i]!)
  const spread = seeds.length > 1 ? ` ± ${deviation.toFixed(2)}` : ''
  const gain = estimate(accuracies[i]!.map((value, j) => (value - accuracies[0]![j]!) / 100))
  console.log(
    `| ${basename(recipe)} | ${mean.toFixed(2)}${spread} | ${i === 0 ? '' : effectText(gain)} |`,
  )
}
