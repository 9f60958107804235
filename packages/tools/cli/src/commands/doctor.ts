import { accessSync, constants } from 'node:fs'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { spawnSync } from 'node:child_process'
import * as tf from '@tensorflow/tfjs-core'
import { backendNames } from '@tricks/backend'
import { exitCodes, fromUser } from '../usage.ts'
import type { Command } from './command.ts'

/** The oldest Node that the packages support. */
const oldest = 20

export const doctor: Command<never> = {
  usage: 'doctor',
  what: 'Check what this machine can train on, and say what would make it faster',
  flags: [],
  async run() {
    const major = Number(process.versions.node.split('.')[0])
    const works = [
      check('Node', process.version, major >= oldest, `install Node ${oldest} or later`),
      check(
        'Processor',
        `${cpus()[0]?.model ?? 'unknown'}, ${availableParallelism()} cores, ${Math.round(totalmem() / 2 ** 30)} GiB`,
        true,
      ),
      check('TensorFlow.js', tf.version_core, true),
      check('Folder', fromUser('.'), writable(fromUser('.')), 'run it where you may write'),
    ]
    let fastest: string | undefined
    for (const name of backendNames) {
      const { ok, line } = probe(name)
      if (ok && name !== 'cpu') fastest ??= name
      console.log(`${ok ? '✓' : '–'} ${name.padEnd(14)}${line}`)
    }
    works.push(
      check(
        'Backend',
        fastest ?? 'none',
        fastest !== undefined,
        'npm install @tricks/wasm-training',
      ),
    )
    if (fastest === 'wasm')
      console.log(
        '\n@tricks/native trains 1.4 to 4 times as fast: npm install @tricks/native, then npx @tricks/native install',
      )
    return works.every(Boolean) ? 0 : exitCodes.failed
  },
}

function check(what: string, value: string, ok: boolean, remedy = ''): boolean {
  console.log(`${ok ? '✓' : '✗'} ${what.padEnd(14)}${value}${ok ? '' : `: ${remedy}`}`)
  return ok
}

function writable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK)
    return true
  } catch {
    return false
  }
}

/** Whether a backend starts: in a process of its own, as one that doesn't may take the process with it. */
function probe(name: string): { ok: boolean; line: string } {
  const script = `import { useBackend } from ${JSON.stringify(import.meta.resolve('@tricks/backend'))}
    try { console.log('ok ' + (await useBackend(${JSON.stringify(name)})).why) }
    catch (error) { console.log('no ' + error.message.split('\\n')[1]?.replace(/^ +\\S+: /, '')) }`
  const { stdout } = spawnSync(
    process.execPath,
    [...process.execArgv, '--no-warnings', '--input-type=module', '-e', script],
    { encoding: 'utf8', timeout: 60_000, stdio: ['ignore', 'pipe', 'ignore'] },
  )
  const line = stdout.trim().split('\n').at(-1) ?? ''
  return { ok: line.startsWith('ok '), line: line.slice(3) || 'did not start' }
}
