import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { availableParallelism, cpus, tmpdir, totalmem } from 'node:os'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as tf from '@tensorflow/tfjs-core'
import { type BackendName, backendNames } from '@tricks/backend'
import { manifest } from '../tricks.ts'
import { exitCodes } from '../usage.ts'
import type { Command } from './command.ts'

/** The result of a check, with a remedy if something is wrong or could be better. */
interface Finding {
  readonly about: string
  readonly found: string
  readonly state: 'good' | 'absent' | 'wrong'
  readonly remedy?: string
}
const marks = { good: '✓', absent: '–', wrong: '✗' } as const

export const doctor: Command<'backend'> = {
  usage: 'doctor',
  what: 'Check which backends work on this machine and how to make training faster',
  flags: ['backend'],
  async run(_, { backend: only }, program) {
    const backends = (only ? [only] : backendNames).map(backendFinding)
    const findings = [...machine(), ...folders(), ...backends, conclusion(backends, program)]
    for (const { about, found, state, remedy } of findings)
      console.log(
        `${marks[state]} ${about.padEnd(14)}${found}${remedy === undefined ? '' : `: ${remedy}`}`,
      )
    const native = findings.some(({ about, state }) => about === 'native' && state !== 'good')
    if (native) nativeDoctor()
    return findings.some(({ state }) => state === 'wrong') ? exitCodes.failed : 0
  },
}

function machine(): Finding[] {
  const major = Number(process.versions.node.split('.')[0])
  const typescript = process.features.typescript as unknown
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB of memory`
  return [
    {
      about: 'Node',
      found: process.version,
      ...(major >= 20
        ? { state: 'good' }
        : { state: 'wrong', remedy: 'install Node 20 or later, from nodejs.org' }),
    },
    typescript === undefined || typescript === false
      ? {
          about: 'Recipes',
          found: '.js and .mjs only, as this version of Node cannot read .ts',
          state: 'absent',
          remedy: 'for .ts use Node 22.18 or later',
        }
      : { about: 'Recipes', found: '.ts, .js or .mjs', state: 'good' },
    {
      about: 'Processor',
      found: `${cpus()[0]?.model ?? 'unknown'}, ${availableParallelism()} cores, ${memory}`,
      state: 'good',
    },
    {
      about: 'Versions',
      found: `@tricks/cli ${manifest.version}, TensorFlow.js ${tf.version_core}`,
      state: 'good',
    },
  ]
}

const folders = (): Finding[] =>
  Object.entries({ 'This folder': resolve('.'), Temporary: tmpdir() }).map(([about, folder]) => {
    try {
      accessSync(folder, constants.W_OK)
      return { about, found: `${folder} is writable`, state: 'good' }
    } catch {
      const remedy =
        about === 'Temporary'
          ? 'set TMPDIR to another folder'
          : 'change to another folder, or pass --out'
      return { about, found: `${folder} is not writable`, state: 'wrong', remedy }
    }
  })

/** Tries a backend in a separate process, as a backend that fails to start may end the process. */
function backendFinding(name: BackendName): Finding {
  const script = `import * as tf from ${JSON.stringify(import.meta.resolve('@tensorflow/tfjs-core'))}
    import { useBackend } from ${JSON.stringify(import.meta.resolve('@tricks/backend'))}
    try {
      const { why } = await useBackend(${JSON.stringify(name)})
      const [sum] = await tf.sum(tf.ones([2, 3])).data()
      console.log(sum === 6 ? 'ok ' + why : 'no it computes wrong results')
    } catch (error) { console.log('no ' + (error.message.split('\\n')[1] ?? error.message)) }`
  const { stdout, signal } = spawnSync(
    process.execPath,
    [...process.execArgv, '--no-warnings', '--input-type=module', '-e', script],
    { encoding: 'utf8', timeout: 60_000, stdio: ['ignore', 'pipe', 'ignore'] },
  )
  const line = stdout.split('\n').findLast((each) => /^(?:ok|no) /.test(each))
  if (line?.startsWith('ok ')) return { about: name, found: line.slice(3), state: 'good' }
  const reason = line?.slice(3).trim().replace(`${name}: `, '')
  const found = reason ?? (signal ? `ended by ${signal}` : 'did not start')
  return { about: name, found, state: 'absent' }
}

function conclusion(backends: readonly Finding[], program: string): Finding {
  const best = backends.find(({ about, state }) => state === 'good' && about !== 'cpu')?.about
  if (best === undefined)
    return {
      about: 'Training',
      found: 'no backend to train on',
      state: 'wrong',
      remedy: 'npm install @tricks/wasm-training',
    }
  return {
    about: 'Training',
    found: `on ${best}`,
    state: 'good',
    ...(best === 'wasm' && {
      remedy: `@tricks/native is 1.4 to 4 times as fast (${
        // In a clone of the repository, npx doesn't find the package.
        program.startsWith('npm start')
          ? 'npm run native'
          : 'npm install @tricks/native, then npx @tricks/native install'
      })`,
    }),
  }
}

/** Prints @tricks/native's own report if it is installed and does not start. */
function nativeDoctor(): void {
  let command: string
  try {
    const entry = new URL(import.meta.resolve('@tricks/native'))
    command = fileURLToPath(entry).replace(/index\.([jt]s)$/, 'cli.$1')
  } catch {
    return
  }
  console.log('\n@tricks/native is installed, and reports:')
  spawnSync(process.execPath, [...process.execArgv, command, 'doctor'], { stdio: 'inherit' })
}
