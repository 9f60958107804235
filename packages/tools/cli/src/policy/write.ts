import { join } from 'node:path'
import { autoAugment, type Policy } from '@tricks/autoaugment'
import { pictureOf, pictureOfPolicy, type PolicySchedule } from '@tricks/policy-search'
import { sheetSvg } from '@tricks/report'
import { imageSheet, percent, replaceFile, type SheetRow } from '@tricks/run'
import { openData } from '@tricks/train'
import { quoted } from '../usage.ts'
import { openImages } from '../tune/images.ts'
import type { Prepared } from '../tune/prepare.ts'
import { gainText } from '../tune/record.ts'
import type { TuneSetup } from '../tune/setup.ts'
import { isPolicy } from './arms.ts'
import { type Concluded, filedOption, pageOf, recipeOnTop } from './record.ts'

/** Writes the files of a search, and prints its result. */
export async function writeFound(
  out: string,
  found: Concluded,
  of: {
    readonly about: object
    readonly title: string
    readonly prepared: Prepared
    readonly again: string
    readonly data: string
    readonly program: string
  },
): Promise<void> {
  const { about, title, again, data, program } = of
  const { name, base, view, setup } = of.prepared
  const replaced = base.tricks.flatMap((trick) => (isPolicy(trick.name) ? [trick.name] : []))
  const { call, tried, compared, n, epochs, cost } = found
  const filed = filedOption(call)
  const text = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`
  const file = join(out, 'searched.recipe.mjs')
  const result = { found: call.name, ...call.options, epochs, n, cost, ...tried, compared }
  replaceFile(join(out, 'search.json'), text({ ...about, ...result }))
  if (filed) replaceFile(join(out, `${filed}.json`), `${JSON.stringify(call.options[filed])}\n`)
  if (filed === 'schedule') {
    const schedule = call.options['schedule'] as unknown as PolicySchedule
    replaceFile(join(out, 'schedule.svg'), pictureOf(schedule))
  } else if (filed === 'policy') {
    const policy = call.options['policy'] as unknown as Policy
    replaceFile(join(out, 'policy.svg'), pictureOfPolicy(policy))
    replaceFile(join(out, 'sub-policies.svg'), await picturesOf(policy, setup))
  }
  replaceFile(file, recipeOnTop(name, file, { call, replaced }))
  replaceFile(join(out, 'README.md'), pageOf(found, { title, data, again }))
  view.say('')
  for (const { name: arm, accuracy, gain } of compared)
    view.result(
      `${percent(accuracy.mean).padStart(9)}  ${arm.padEnd(28)}${gain ? `gain of the found one ${gainText(gain)}` : ''}`,
    )
  view.result(`           percentage points, n = ${n}, on test images`)
  view.result(`\nReport     ${join(out, 'README.md')}`)
  view.result(`Train      ${program} train ${quoted(data)} --recipe ${quoted(file)}`)
}

/** The content of a picture: sub-policies, and images that each of them changes. */
const shown = { subPolicies: 10, images: 7 } as const

/** Draws the first sub-policies on images of the data, with their probabilities. */
async function picturesOf(policy: Policy, setup: TuneSetup): Promise<string> {
  const { train } = await openImages(setup)
  const count = Math.min(shown.images, train.labels.length)
  // Evenly spaced through the set, as a folder's pictures are sorted by class.
  const indices = Array.from({ length: count }, (_, i) =>
    Math.floor((i * train.labels.length) / count),
  )
  const { facts } = openData({ train, validation: 0, batchSize: 1, epochs: 1, seed: 0 })
  const rows: SheetRow[] = []
  for (const [i, steps] of policy.slice(0, shown.subPolicies).entries()) {
    const trick = autoAugment({ policy: [steps], key: subPolicyText(steps) })
    const sheet = await imageSheet(train, indices, { tricks: [trick], mean: facts.mean, seed: i })
    rows.push(...(i === 0 ? sheet.rows : sheet.rows.slice(1)))
  }
  return sheetSvg({ rows })
}

/** Without a line break between an operation and its probability. */
const subPolicyText = (steps: Policy[number]): string =>
  steps.map(([op, probability]) => `${op}\u00A0${Math.round(probability * 100)}\u00A0%`).join(', ')
