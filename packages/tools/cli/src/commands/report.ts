import { comparisonPage } from '@tricks/report'
import { readRunFolder, replaceFile } from '@tricks/run'
import { writeReport } from '../session.ts'
import { fromUser } from '../usage.ts'
import type { Command } from './command.ts'

export const report: Command<'out'> = {
  usage: 'report <run> [...more]',
  what: "Write a run's page again, or one page that compares several runs, finished or running",
  flags: ['out'],
  examples: ['report runs/a', 'report runs/a runs/b --out comparison.html'],
  async run([first, more], { out }) {
    const runs = [first, ...(more as readonly unknown[])].map((run) => fromUser(String(run)))
    const file = out === undefined ? undefined : fromUser(out)
    if (runs.length === 1) return console.log(writeReport(runs[0]!, file))
    const page = file ?? fromUser('comparison.html')
    replaceFile(page, comparisonPage(runs.map(readRunFolder)))
    console.log(page)
  },
}
