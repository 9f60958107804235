// Planted controls for the searches of @tricks/policy-search, on pictures from CIFAR-10: each search must leave out what is
// known to harm, and must not claim a gain on shuffled labels. Writes controls.json, and prints a table.
// `node --conditions=@tricks/source bench/search/controls.ts [options]` under Node 24; interrupted, it continues.
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { effectText, estimate, type Estimate, isClear } from '@tricks/ablation'
import { accuraciesOf, difference, searched } from './command.ts'
import { type Exposure, ofPolicy, ofRandom, ofSchedule, relative } from './exposure.ts'
import { type Control, controls, plantPictures } from './plant.ts'

const { values } = parseArgs({
  options: {
    controls: { type: 'string', default: controls.join() },
    methods: { type: 'string', default: 'fast-autoaugment,pba,autoaugment' },
    images: { type: 'string', default: '5000' },
    test: { type: 'string', default: '4000' },
    epochs: { type: 'string', default: '20' },
    budget: { type: 'string', default: '900epochs' },
    members: { type: 'string', default: '16' },
    measured: { type: 'string' },
    harmful: { type: 'string', default: 'Invert' },
    recipe: { type: 'string', default: 'base' },
    seed: { type: 'string', default: '0' },
    processes: { type: 'string', default: '2' },
    backend: { type: 'string' },
    out: { type: 'string', default: 'runs/controls' },
  },
})

/** What must vanish: of all operations, what harm.ts found to lower the accuracy. */
const harmfulIn = (control: Control): readonly string[] =>
  control === 'shuffled' ? [] : values.harmful.split(',')

interface Row {
  readonly control: Control
  readonly method: string
  readonly n: number
  readonly none: Estimate
  /** Paired differences to none. */
  readonly found: Estimate
  readonly random: Estimate
  /** Paired difference between the found one and random ones. */
  readonly better: Estimate
  readonly exposure: Exposure
  /** Exposure to the harmful operations, relative to random augmentations. */
  readonly harmful?: number
  /** Exposure to all others. */
  readonly others: number
  /** Processor time of the search. */
  readonly cpuSeconds: number
}

const out = resolve(values.out)

/** Searches in a control's pictures. */
function search(control: Control, method: string): Row {
  const { recipe, epochs, budget, members, measured, seed, processes, backend } = values
  const record = searched(join(out, control), {
    recipe,
    method,
    members: method === 'pba' ? members : undefined,
    measured,
    size: '32',
    epochs,
    budget,
    only: 'none,random policies',
    seed,
    processes,
    backend,
    out: join(out, `${control}-${method}`),
  })
  const [found, none, random] = ['found', 'none', 'random policies'].map((name) =>
    accuraciesOf(record, name),
  ) as [readonly number[], readonly number[], readonly number[]]
  const own = record.policy ? ofPolicy(record.policy) : ofSchedule(record.schedule!)
  const usual = ofRandom(record.policy ? 'policy' : 'schedule')
  const harmful = harmfulIn(control)
  const others = Object.keys(usual).filter((op) => !harmful.includes(op))
  return {
    control,
    method,
    n: record.n,
    none: estimate(none),
    found: difference(found, none),
    random: difference(random, none),
    better: difference(found, random),
    exposure: own,
    ...(harmful.length > 0 && { harmful: relative(own, usual, harmful) }),
    others: relative(own, usual, others),
    cpuSeconds: record.cost.wallClock.cpuSeconds,
  }
}

const wanted = values.controls.split(',') as Control[]
const sizes = {
  images: Number(values.images),
  test: Number(values.test),
  seed: Number(values.seed),
}
for (const control of wanted) await plantPictures(control, join(out, control), sizes)
const rows = wanted.flatMap((control) =>
  values.methods.split(',').map((method) => search(control, method)),
)
const about = {
  ...values,
  machine: `${cpus().length} × ${cpus()[0]!.model}`,
  node: process.version,
}
writeFileSync(join(out, 'controls.json'), `${JSON.stringify({ about, rows }, null, 2)}\n`)

const times = (ratio: number | undefined): string => (ratio === undefined ? '' : ratio.toFixed(2))
console.log(
  '\n| control | method | n | none, % | random | found | found − random | harmful | others | search, processor min |',
)
console.log('| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |')
for (const row of rows)
  console.log(
    `| ${row.control} | ${row.method} | ${row.n} | ${(row.none.mean * 100).toFixed(2)} | ${effectText(row.random)} | ${effectText(row.found)} | ` +
      `${effectText(row.better)} | ${times(row.harmful)} | ${times(row.others)} | ${(row.cpuSeconds / 60).toFixed(1)} |`,
  )
for (const { method, found } of rows.filter(({ control }) => control === 'shuffled'))
  console.log(
    `\n${method}: ${isClear(found) && found.mean > 0 ? 'a gain' : 'no gain'} is claimed on shuffled labels.`,
  )
