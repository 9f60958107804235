// The learning rate that the rate finder suggests against the recipe's own, in pairs with the same seeds: accuracy on the
// test images. `node --conditions=@tricks/source bench/find-rate.ts ./pictures [options]`; every run appends a line to
// rates.jsonl, so an interrupted bench continues.
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { effectText, estimate } from '@tricks/ablation'
import { useBackend } from '@tricks/backend'
import { setUp as setUpCommand } from '@tricks/cli'
import type { Trick } from '@tricks/core'
import { findRate } from '@tricks/rate-finder'
import { rateCurve } from '@tricks/report'
import { setUp } from '@tricks/run'
import { train } from '@tricks/train'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: 'string', default: '5' },
    first: { type: 'string', default: '100' },
    backend: { type: 'string', default: 'native' },
    out: { type: 'string', default: 'runs/rates' },
  },
})
const [pictures] = positionals
const cases = [
  { recipe: 'base', data: 'cifar10', limit: 5000, epochs: 8 },
  { recipe: 'quick', data: 'cifar10', limit: 10_000, epochs: 4 },
  ...(pictures === undefined
    ? []
    : [{ recipe: 'pictures', data: pictures, limit: undefined, epochs: 12 }]),
]
type Case = (typeof cases)[number]

/** The recipe's own rate, and multiples of the suggested one. */
const arms = { recipe: undefined, suggested: 1, half: 1 / 2, double: 2 } as const
type Arm = keyof typeof arms

interface Line {
  readonly recipe: string
  readonly seed: number
  readonly arm: Arm
  readonly rate: number
  readonly accuracy: number
}

const file = resolve(values.out, 'rates.jsonl')
mkdirSync(values.out, { recursive: true })
const lines: Line[] = existsSync(file)
  ? readFileSync(file, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Line)
  : []
await useBackend(values.backend as 'native')

const loaded = new Map<Case, ReturnType<typeof setUpCommand>>()

/** Network, tricks and data, always the same for a seed. */
async function prepared(of: Case, seed: number) {
  const { limit, epochs } = of
  if (!loaded.has(of)) loaded.set(of, setUpCommand(of))
  const { recipe, data } = await loaded.get(of)!
  const options = { recipe, data, folder: '', seed, epochs, ...(limit !== undefined && { limit }) }
  return { recipe, data, ...(await setUp(options)) }
}

/** The highest rate of the recipe's schedule. */
async function highestRate(of: Case): Promise<number> {
  const { recipe, tricks, optimizer, batches, model } = await prepared(of, 0)
  model.dispose()
  const { learningRate } = optimizer.getConfig()
  const { points } = rateCurve({
    name: of.recipe,
    of: tricks,
    rate: learningRate as number,
    epochs: of.epochs,
    stepsPerEpoch: batches.stepsPerEpoch,
    batchSize: recipe.batchSize,
  })
  return Math.max(...points.map(([, rate]) => rate))
}

async function suggested(of: Case, seed: number): Promise<number> {
  const { recipe, model, tricks, training, batchSize } = await prepared(of, seed)
  const optimizer = (): ReturnType<typeof recipe.optimizer> => recipe.optimizer()
  const found = await findRate({
    model,
    data: { train: training },
    tricks,
    optimizer,
    batchSize,
    seed,
  })
  model.dispose()
  return found.rate
}

async function accuracyWith(of: Case, seed: number, factor: number): Promise<number> {
  const { model, data, tricks, optimizer, training, batchSize, validation } = await prepared(
    of,
    seed,
  )
  const scale: Trick = { name: 'scale', options: { factor }, learningRate: (rate) => rate * factor }
  const { test } = await train({
    model,
    data: { train: training, test: data.test! },
    tricks: [scale, ...tricks],
    optimizer,
    epochs: of.epochs,
    validation,
    batchSize,
    seed,
  })
  model.dispose()
  return test!.accuracy
}

const seeds = Array.from({ length: Number(values.seeds) }, (_, i) => Number(values.first) + i)
const of = (recipe: string, arm: Arm): Line[] =>
  lines.filter((line) => line.recipe === recipe && line.arm === arm && seeds.includes(line.seed))
const ownRates = new Map<Case, number>()
for (const each of cases) ownRates.set(each, await highestRate(each))
for (const seed of seeds)
  for (const each of cases) {
    const missing = (Object.keys(arms) as Arm[]).filter(
      (arm) => !of(each.recipe, arm).some((line) => line.seed === seed),
    )
    if (missing.length === 0) continue
    const own = ownRates.get(each)!
    const rateFound = await suggested(each, seed)
    for (const arm of missing) {
      const rate = arms[arm] === undefined ? own : rateFound * arms[arm]
      const accuracy = await accuracyWith(each, seed, rate / own)
      lines.push({ recipe: each.recipe, seed, arm, rate, accuracy })
      appendFileSync(file, `${JSON.stringify(lines.at(-1))}\n`)
      console.log(
        `${each.recipe}, seed ${seed}, ${arm} ${rate.toPrecision(2)}: ${(accuracy * 100).toFixed(2)} %`,
      )
    }
  }

console.log(
  `\nn = ${seeds.length} seeds; ${cpus().length} × ${cpus()[0]!.model}, Node ${process.version}\n`,
)
console.log('| recipe | arm | rates | accuracy, % | − recipe |\n| --- | --- | --- | ---: | ---: |')
for (const { recipe } of cases)
  for (const arm of Object.keys(arms) as Arm[]) {
    const [own, base] = [of(recipe, arm), of(recipe, 'recipe')]
    const { mean, deviation } = estimate(own.map(({ accuracy }) => accuracy * 100))
    const gain = estimate(own.map(({ accuracy }, i) => accuracy - base[i]!.accuracy))
    const rates = own.map(({ rate }) => rate)
    const range = [Math.min(...rates), Math.max(...rates)].map((rate) => rate.toPrecision(2))
    console.log(
      `| ${recipe} | ${arm} | ${[...new Set(range)].join('–')} | ${mean.toFixed(2)} ± ${deviation.toFixed(2)} | ${arm === 'recipe' ? '' : effectText(gain)} |`,
    )
  }
