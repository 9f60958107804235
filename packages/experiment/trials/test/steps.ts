// The tests' training: a chain of hashes with a checkpoint per step. A step that is skipped, repeated or resumed from
// another trial's checkpoint changes every value after it.
import { createHash } from 'node:crypto'
import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { serveTrials } from '../src/serve.ts'

export interface Steps {
  readonly steps: number
  /** Milliseconds. */
  readonly step: number
  readonly [name: string]: number
}

interface Saved {
  readonly step: number
  readonly value: string
}

serveTrials({
  async steps({ trial, storage, folder, earlier, signal, progress }) {
    const { steps, step: length } = trial.config as unknown as Steps
    const start =
      trial.from === undefined ? String(trial.seed) : readSaved(join(storage, trial.from)).value
    let now = earlier
      .flatMap((each) =>
        readdirSync(each)
          .filter((name) => name.endsWith('.json'))
          .map((name) => readSaved(join(each, name))),
      )
      .reduce((a, b) => (b.step > a.step ? b : a), { step: 0, value: start } as Saved)
    const event = {
      id: trial.id,
      from: now.step,
      worker: process.ppid,
      child: process.pid,
      at: Date.now(),
    }
    appendFileSync(join(storage, 'events.jsonl'), `${JSON.stringify(event)}\n`)
    while (now.step < steps) {
      await wait(length)
      if (signal.aborted) throw new Error('stopped')
      const value = createHash('sha256').update(`${now.value} ${now.step}`).digest('hex')
      now = { step: now.step + 1, value }
      const file = join(folder, `${now.step}.json`)
      writeFileSync(`${file}.part`, JSON.stringify(now))
      renameSync(`${file}.part`, file)
      progress(now.step / steps)
    }
    return { metrics: { value: now.value, score: Number.parseInt(now.value.slice(0, 8), 16) } }
  },
  async fails({ trial }) {
    throw new Error(`no luck with seed ${trial.seed}`)
  },
  async dies() {
    process.kill(process.pid, 'SIGKILL')
    return { metrics: {} }
  },
  // Waits for a file, so that the test controls when it ends.
  async waits({ storage, trial }) {
    while (!existsSync(join(storage, 'go'))) await wait(20)
    return { metrics: { seed: trial.seed } }
  },
  async nothing({ trial }) {
    return { metrics: { seed: trial.seed } }
  },
})

function readSaved(file: string): Saved {
  return JSON.parse(readFileSync(file, 'utf8')) as Saved
}
