// An evolutionary search in a separate process, which may be killed at any time. Arguments: where, generations.
import { generations } from './generations.ts'
import { openTrials } from '../src/open.ts'

const [where, count] = process.argv.slice(2) as [string, string]
const queue = await openTrials(where)
const results = await generations(queue, Number(count))
console.log(JSON.stringify(results.map(({ trial, outcome }) => [trial.id, outcome])))
await queue.close()
process.exit()
