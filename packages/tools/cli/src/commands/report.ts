import { resolve } from 'node:path'
import { comparisonPage } from '@tricks/report'
import { readRunFolder, replaceFile } from '@tricks/run'
import { writeReport } from '../session.ts'
import type { Command } from './command.ts'

export const report: Command<'out'> = {
  usage: 'report <runs...>',
  what: 'Write the page of a run, or a page that compares several, finished or running',
  flags: ['out'],
  examples: ['report runs/a', 'report runs/a runs/b --out comparison.html'],
  async run([runs], { out }) {
    const [only, ...others] = (runs as readonly string[]).map((run) => resolve(run))
    const file = out === undefined ? undefined : resolve(out)
    if (others.length === 0) return console.log(writeReport(only!, file))
    const page = file ?? resolve('comparison.html')
    replaceFile(page, comparisonPage([only!, ...others].map(readRunFolder)))
    console.log(page)
  },
}
