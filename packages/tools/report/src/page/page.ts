import type { RunRecord } from '@tricks/run/record'
import { percent } from '../format.ts'
import { html } from '../html.ts'
import { batch } from './batch.ts'
import { calibrationSection } from './calibration.ts'
import { classesSection } from './classes.ts'
import { configuration } from './configuration.ts'
import { document } from './document.ts'
import { hero } from './hero.ts'
import { mistakesSection } from './mistakes.ts'
import { notices } from './notices.ts'
import { pipeline } from './pipeline.ts'
import { summaryOf } from './summary.ts'
import { time } from './time.ts'
import { training } from './training.ts'

/**
 * Creates a run's report as a single self-contained page: no scripts, no requests, light and dark mode.
 *
 * @param record from `readRunFolder` or `parseRun` of `@tricks/run`
 * @example
 * writeFileSync('report.html', reportPage(readRunFolder('runs/1')))
 */
export function reportPage(record: RunRecord): string {
  const summary = summaryOf(record)
  const sections = [
    hero(record, summary),
    notices(record),
    training(record, summary),
    pipeline(record),
    batch(record),
    classesSection(record),
    calibrationSection(record),
    mistakesSection(record),
    time(record, summary),
    configuration(record),
  ]
  const accuracy = summary.result ? ` · ${percent(summary.result.accuracy)}` : ''
  return document(`${record.name}${accuracy}`, html`${sections}`)
}
