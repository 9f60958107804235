// Kills a run repeatedly, resumes it each time, and compares the result with that of an undisturbed run.
// `node --conditions=@tricks/source packages/tools/cli/test/chaos.ts [kills] [limit] [epochs]` under Node 24.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRandom } from '@tricks/core'
import { reportPage } from '@tricks/report'
import { parseRun } from '@tricks/run'
import { program } from './program.ts'

export interface Outcome {
  readonly weights: string
  readonly metrics: string
  readonly run: string
  /** Hash of the first batch's pictures and of the test logits and pictures. */
  readonly kept: string
  readonly page: string
}

/** The outcomes of both runs, without wall-clock fields, and how often the second was killed. */
export async function chaos({
  kills,
  limit,
  epochs,
  backend = 'wasm',
}: {
  readonly kills: number
  readonly limit: number
  readonly epochs: number
  readonly backend?: string
}): Promise<{ unbroken: Outcome; broken: Outcome; killed: number; resumed: number }> {
  const root = mkdtempSync(join(tmpdir(), 'chaos-'))
  const random = createRandom(11)
  try {
    const flags = [
      'train',
      'cifar10',
      '--recipe',
      'six',
      '--limit',
      String(limit),
      '--epochs',
      String(epochs),
      '--backend',
      backend,
    ]
    const [calm, wild] = [join(root, 'calm'), join(root, 'wild')]
    const undisturbed = await launch([...flags, '--out', calm])
    if (undisturbed.code !== 0) throw new Error('the undisturbed run failed')

    let killed = 0
    let resumed = 0
    for (;;) {
      const started = existsSync(join(wild, 'run.json'))
      if (started) resumed++
      const args = started ? ['resume', wild] : [...flags, '--out', wild]
      // One kill in four happens during start-up, the others during training, at a fraction of the undisturbed
      // duration, as machines differ in speed.
      const phase: Kill['phase'] = killed % 4 === 3 ? 'starting' : 'training'
      const share = phase === 'starting' ? 0.8 : 1.6 / kills
      const seconds = random.uniform(0, share) * undisturbed[phase]
      const kill: Kill | undefined = killed < kills ? { phase, seconds } : undefined
      const { code } = await launch([...args, '--save-every', '3'], kill)
      if (code === 0) break
      if (code !== null) throw new Error(`a resumed run failed with ${code}`)
      killed++
    }
    return { unbroken: outcomeOf(calm), broken: outcomeOf(wild), killed, resumed }
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

interface Kill {
  readonly phase: 'starting' | 'training'
  /** Seconds since the phase began. */
  readonly seconds: number
}

interface Ended {
  /** Null if it was killed. */
  readonly code: number | null
  /** Seconds until training started, and from there to the end. */
  readonly starting: number
  readonly training: number
}

function launch(args: readonly string[], kill?: Kill): Promise<Ended> {
  const child = spawn(process.execPath, [...program, ...args, '--progress', 'json'])
  const start = performance.now()
  const since = (moment: number): number => (performance.now() - moment) / 1000
  let timer: NodeJS.Timeout | undefined
  const killIn = (phase: Kill['phase']): void => {
    if (kill?.phase === phase) timer = setTimeout(() => child.kill('SIGKILL'), kill.seconds * 1000)
  }
  let output = ''
  let started: number | undefined
  child.stderr.on('data', (text) => (output += text))
  child.stdout.on('data', (text) => {
    output += text
    if (started !== undefined || !output.includes('"kind":"run"')) return
    started = performance.now()
    killIn('training')
  })
  killIn('starting')
  return new Promise((resolve) =>
    child.on('close', (code) => {
      clearTimeout(timer)
      if (code) console.error(output)
      const training = started === undefined ? 0 : since(started)
      resolve({ code, starting: since(start) - training, training })
    }),
  )
}

function outcomeOf(folder: string): Outcome {
  // The revision is that of the working tree, which may change meanwhile.
  const other = ['wallClock', 'revision']
  const withoutClock = (text: string): string =>
    JSON.stringify(
      JSON.parse(text, (name, value: unknown) => (other.includes(name) ? undefined : value)),
    )
  const text = (name: string): string => readFileSync(join(folder, name), 'utf8')
  const hashOf = (...contents: readonly (Uint8Array | string)[]): string => {
    const hash = createHash('sha256')
    for (const content of contents) hash.update(content)
    return hash.digest('hex')
  }
  const bytes = (name: string): Uint8Array => readFileSync(join(folder, name))
  const [run, metrics, test, batch] = [
    withoutClock(text('run.json')),
    text('metrics.jsonl').trim().split('\n').map(withoutClock).join('\n'),
    bytes('test.safetensors'),
    bytes('batch.safetensors'),
  ]
  return {
    weights: hashOf(bytes(join('model', 'weights.bin'))),
    metrics,
    run,
    kept: hashOf(test, batch),
    page: hashOf(reportPage(parseRun({ name: 'a run', run, metrics, test, batch }))),
  }
}

if (import.meta.main) {
  const [kills = 25, limit = 3000, epochs = 12] = process.argv.slice(2).map(Number)
  const { unbroken, broken, killed, resumed } = await chaos({ kills, limit, epochs })
  const same = (Object.keys(unbroken) as (keyof Outcome)[]).map(
    (part) => `${part} ${unbroken[part] === broken[part] ? 'equal' : 'DIFFER'}`,
  )
  console.log(`killed ${killed} times, resumed ${resumed} times: ${same.join(', ')}`)
  process.exitCode = same.some((line) => line.endsWith('DIFFER')) ? 1 : 0
}
