// A driver in a separate process that waits for some trials' results, and may be killed at any time. Arguments: where,
// trials.
import { settle } from '../src/settle.ts'
import type { Trial } from '../src/trial.ts'
import { openPatiently } from './open-patiently.ts'

const [where, trials] = process.argv.slice(2) as [string, string]
const entries = await settle(
  await openPatiently(where, { say: console.error }),
  JSON.parse(trials) as Trial[],
  { say: console.error },
)
console.log(JSON.stringify(entries.map(({ trial, state, outcome }) => ({ trial, state, outcome }))))
process.exit()
