import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { comparisonPage, trialsPage } from '@tricks/report'
import { readRunFolder, replaceFile } from '@tricks/run'
import { addressOf, openTrials } from '@tricks/trials'
import { writeReport } from '../session.ts'
import { rowOf } from '../trials/rows.ts'
import type { Command } from './command.ts'

export const report: Command<'out'> = {
  usage: 'report <runs...>',
  what: 'Write the report of a run, a comparison of several runs, or the report of an experiment',
  flags: ['out'],
  examples: [
    'report runs/a',
    'report runs/a runs/b --out comparison.html',
    'report runs/tune-base',
    'report redis://queue:6379 --out trials.html',
  ],
  async run([given], { out }) {
    const [first, ...more] = given as readonly string[]
    const file = out === undefined ? undefined : resolve(out)
    if (more.length === 0 && isExperiment(first!))
      return console.log(await reportTrials(first!, file))
    const [only, ...others] = [first!, ...more].map((run) => resolve(run))
    if (others.length === 0) return console.log(writeReport(only!, file))
    const page = file ?? resolve('comparison.html')
    replaceFile(page, comparisonPage([only!, ...others].map(readRunFolder)))
    console.log(page)
  },
}

const isExperiment = (where: string): boolean =>
  addressOf(where) !== undefined || existsSync(join(where, 'trials.sqlite'))

/** @returns the page's path: by default in the experiment's folder, or in this one if it is on a server */
async function reportTrials(where: string, file: string | undefined): Promise<string> {
  const isServer = addressOf(where) !== undefined
  const page = file ?? resolve(isServer ? 'trials.html' : join(where, 'trials.html'))
  const queue = await openTrials(where, { say: (line) => console.error(line) })
  try {
    replaceFile(page, trialsPage(queue.name, (await queue.list()).map(rowOf)))
  } finally {
    await queue.close()
  }
  return page
}
