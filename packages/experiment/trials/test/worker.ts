// A worker in a separate process. Arguments: where, storage, lease in seconds.
import { join } from 'node:path'
import { workOn } from '../src/work.ts'
import { openPatiently } from './open-patiently.ts'

const [where, storage, lease] = process.argv.slice(2) as [string, string, string]
const stop = new AbortController()
process.on('SIGTERM', () => stop.abort())
const say = (line: string): void => console.error(line)
const queue = await openPatiently(where, { lease: Number(lease), say })
const module = join(import.meta.dirname, 'steps.ts')
await workOn(queue, { module, storage, processes: 1, signal: stop.signal, say })
await queue.close()
process.exit()
