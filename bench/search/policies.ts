// The searches of @tricks/policy-search with equal budgets, on CIFAR-10: what each found, next to random policies, and to
// augmentations that need no search, in pairs with the same seeds. The latter are trained once, after the first search.
// Writes policies.json, and prints a table.
// `node --conditions=@tricks/source bench/search/policies.ts [options]` under Node 24; interrupted, it continues.
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { effectText, estimate } from '@tricks/ablation'
import { accuraciesOf, difference, searched } from './command.ts'

const { values } = parseArgs({
  options: {
    methods: { type: 'string', default: 'pba,fast-autoaugment,autoaugment,rand-augment' },
    data: { type: 'string', default: 'cifar10' },
    recipe: { type: 'string', default: 'base' },
    images: { type: 'string', default: '5000' },
    epochs: { type: 'string', default: '40' },
    search: { type: 'string', default: '816' },
    pairs: { type: 'string', default: '10' },
    seed: { type: 'string', default: '0' },
    processes: { type: 'string', default: '2' },
    backend: { type: 'string' },
    out: { type: 'string', default: 'runs/policies' },
  },
})
const { methods, data, out, search, pairs, ...flags } = values

/** The augmentations that are compared, with the found one. */
const compared = { first: 7, others: 2 } as const
const names = methods.split(',')
if (names[0] !== 'pba') throw new Error(`--methods: expected pba first, got ${methods}`)
const searches = names.map((method, i) => {
  // The command searches for at most half of its budget. Population Based Augmentation, which comes first, has no use for
  // more than --search epochs, so the rest of its larger budget goes to the pairs.
  const runs = Number(pairs) * (i === 0 ? compared.first : compared.others)
  const budget = `${Number(search) + runs * Number(flags.epochs)}epochs`
  const only = i === 0 ? undefined : 'random policies'
  const record = searched(data, { ...flags, method, budget, only, out: resolve(join(out, method)) })
  return { method, record }
})
const [first] = searches
// A search may have left epochs for more pairs than another.
const n = Math.min(...searches.map(({ record }) => record.n))
const of = (record: (typeof searches)[number]['record'], name: string): readonly number[] =>
  accuraciesOf(record, name).slice(0, n)
const none = of(first!.record, 'none')
const usual = first!.record.compared.map(({ name }) => name)
const randoms = searches
  .map(({ method, record }) => ({
    name: `random policies, as for ${method}`,
    accuracies: of(record, 'random policies'),
  }))
  // Methods with random policies of the same kind share these runs.
  .filter(({ accuracies }, i, all) => {
    const text = accuracies.join()
    return all.findIndex((other) => other.accuracies.join() === text) === i
  })
const arms = [
  ...searches.map(({ method, record }) => ({
    name: `found by ${method}`,
    accuracies: of(record, 'found'),
    random: of(record, 'random policies'),
    cpuSeconds: record.cost.wallClock.cpuSeconds,
  })),
  ...randoms,
  ...usual
    .filter((name) => name !== 'found' && name !== 'random policies')
    .map((name) => ({ name, accuracies: of(first!.record, name) })),
].map(
  ({
    accuracies,
    random,
    ...arm
  }: {
    readonly name: string
    readonly accuracies: readonly number[]
    readonly random?: readonly number[]
    readonly cpuSeconds?: number
  }) => ({
    ...arm,
    accuracies,
    accuracy: estimate(accuracies),
    overNone: difference(accuracies, none),
    ...(random && { overRandom: difference(accuracies, random) }),
  }),
)
const about = {
  ...values,
  machine: `${cpus().length} × ${cpus()[0]!.model}`,
  node: process.version,
}
writeFileSync(
  join(resolve(out), 'policies.json'),
  `${JSON.stringify({ about, n, arms }, null, 2)}\n`,
)

console.log(`\nAccuracy on test images, n = ${n} pairs, differences in percentage points\n`)
console.log('| augmentation | accuracy, % | − none | − random policies | search, processor min |')
console.log('| --- | ---: | ---: | ---: | ---: |')
for (const { name, accuracy, overNone, overRandom, cpuSeconds } of arms)
  console.log(
    `| ${name} | ${(accuracy.mean * 100).toFixed(2)} | ${name === 'none' ? '' : effectText(overNone)} | ` +
      `${overRandom ? effectText(overRandom) : ''} | ${cpuSeconds === undefined ? '' : (cpuSeconds / 60).toFixed(1)} |`,
  )
