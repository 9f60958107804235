// Planted controls for the searches of @tricks/policy-search, on pictures from CIFAR-10: each search must leave out what is
// known to harm, and must not claim a gain on shuffled labels. Writes controls.json, and prints a table.
// `node --conditions=@tricks/source bench/controls/run.ts [options]` under Node 24; interrupted, it continues.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { effectText, estimate, type Estimate, isClear } from '@tricks/ablation'
import type { Policy } from '@tricks/autoaugment'
import { loadCifar10 } from '@tricks/cifar10'
import type { PolicySchedule } from '@tricks/policy-search'
import { type Exposure, ofPolicy, ofRandom, ofSchedule, relative } from './exposure.ts'
import { type Control, controls, plant, someOf, writePictures } from './plant.ts'

const { values } = parseArgs({
  options: {
    controls: { type: 'string', default: controls.join() },
    methods: { type: 'string', default: 'fast-autoaugment,pba' },
    images: { type: 'string', default: '2500' },
    test: { type: 'string', default: '2000' },
    epochs: { type: 'string', default: '20' },
    budget: { type: 'string', default: '900epochs' },
    members: { type: 'string', default: '16' },
    recipe: { type: 'string', default: 'base' },
    seed: { type: 'string', default: '0' },
    processes: { type: 'string', default: '2' },
    backend: { type: 'string' },
    out: { type: 'string', default: 'runs/controls' },
  },
})

/** What must vanish. */
const harmful: Readonly<Record<Control, readonly string[]>> = {
  // Gray images, negatives, and images with another tint have lost what tells the labels apart.
  colours: ['Color', 'Invert', 'Solarize', 'Equalize', 'AutoContrast'],
  rotations: ['Rotate'],
  shuffled: [],
}

interface SearchRecord {
  readonly policy?: Policy
  readonly schedule?: PolicySchedule
  readonly n: number
  readonly compared: readonly { readonly name: string; readonly accuracies: readonly number[] }[]
}

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
  readonly cpuSeconds: number
}

const out = resolve(values.out)
const cli = resolve(import.meta.dirname, '../../packages/tools/cli/src/cli.ts')

/** Searches in a control's pictures. @returns the record, and the processor time of its processes */
function search(control: Control, method: string): Row {
  const data = join(out, control)
  const folder = join(out, `${control}-${method}`)
  const flags = {
    recipe: values.recipe,
    method,
    ...(method === 'pba' && { members: values.members }),
    size: '32',
    epochs: values.epochs,
    budget: values.budget,
    only: 'none,random policies',
    seed: values.seed,
    processes: values.processes,
    ...(values.backend !== undefined && { backend: values.backend }),
    out: folder,
  }
  const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value])
  const node = ['--conditions=@tricks/source', '--no-warnings', cli, 'search', data, ...args]
  const timed = join(folder, 'cpu-seconds')
  if (!existsSync(timed)) {
    const { status } = spawnSync(process.execPath, node, { stdio: 'inherit' })
    if (status !== 0) process.exit(status ?? 1)
    // Of all children so far.
    const spent = childSeconds() - before
    before += spent
    writeFileSync(timed, String(spent))
  }
  const record = JSON.parse(readFileSync(join(folder, 'search.json'), 'utf8')) as SearchRecord
  const of = (name: string): readonly number[] =>
    record.compared.find((each) => each.name === name)!.accuracies
  const minus = (one: readonly number[], other: readonly number[]): Estimate =>
    estimate(one.map((value, i) => value - other[i]!))
  const [found, none, random] = ['found', 'none', 'random policies'].map(of) as [
    readonly number[],
    readonly number[],
    readonly number[],
  ]
  const own = record.policy ? ofPolicy(record.policy) : ofSchedule(record.schedule!)
  const usual = ofRandom(record.policy ? 'policy' : 'schedule')
  const others = Object.keys(usual).filter((op) => !harmful[control].includes(op))
  return {
    control,
    method,
    n: record.n,
    none: estimate(none),
    found: minus(found, none),
    random: minus(random, none),
    better: minus(found, random),
    exposure: own,
    ...(harmful[control].length > 0 && { harmful: relative(own, usual, harmful[control]) }),
    others: relative(own, usual, others),
    cpuSeconds: Number(readFileSync(timed, 'utf8')),
  }
}

/** Processor seconds of ended children, on Linux. */
function childSeconds(): number {
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[13]) + Number(fields[14])) / 100
}
let before = 0

const { train, test } = await loadCifar10()
const seed = Number(values.seed)
for (const control of values.controls.split(',') as Control[]) {
  if (existsSync(join(out, control, 'test'))) continue
  writePictures(
    plant(someOf(train, Number(values.images), seed), control, seed),
    join(out, control, 'train'),
  )
  writePictures(
    plant(someOf(test, Number(values.test), seed), control, seed + 1),
    join(out, control, 'test'),
  )
}
const rows = (values.controls.split(',') as Control[]).flatMap((control) =>
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
  '\n| control | method | n | none, % | random | found | found − random | harmful | others | processor min |',
)
console.log('| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |')
for (const row of rows)
  console.log(
    `| ${row.control} | ${row.method} | ${row.n} | ${(row.none.mean * 100).toFixed(2)} | ${effectText(row.random)} | ${effectText(row.found)} | ` +
      `${effectText(row.better)} | ${times(row.harmful)} | ${times(row.others)} | ${(row.cpuSeconds / 60).toFixed(1)} |`,
  )
const claimed = rows.filter(
  ({ control, found }) => control === 'shuffled' && isClear(found) && found.mean > 0,
)
console.log(
  claimed.length === 0
    ? '\nNo gain is claimed on shuffled labels.'
    : `\nA gain is claimed on shuffled labels by ${claimed.map(({ method }) => method).join(', ')}.`,
)
