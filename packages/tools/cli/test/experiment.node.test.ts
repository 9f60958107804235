// One ablation, trained on each engine, with processes killed meanwhile: the results are the same.
import { execFileSync } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openTrials } from '@tricks/trials'
import { afterAll, expect, test } from 'vitest'
import {
  postgres,
  postgresServer,
  redis,
  redisServer,
  type Server,
} from '../../../experiment/trials/test/servers.ts'
import { type Ended, startIn, until } from './program.ts'

const root = mkdtempSync(join(tmpdir(), 'experiment-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const start = (...args: string[]): ReturnType<typeof startIn> => startIn(root, args)
const cli = (...args: string[]): Promise<Ended> => start(...args).ended
const ablation = [
  ...'ablate cifar10 --recipe bag-of-tricks --backend wasm --processes 1'.split(' '),
  ...'--images 300 --measured 100 --epochs 4 --seeds 1'.split(' '),
  '--only',
  'random-crop + mirroring',
]

/** The lines without their times. */
const resultsIn = (folder: string): string =>
  readFileSync(join(root, folder, 'runs.jsonl'), 'utf8').replaceAll(/"cpuSeconds":[\d.e-]+/g, '')

let calm: Promise<string> | undefined
/** The results of an undisturbed run. */
const undisturbed = (): Promise<string> =>
  (calm ??= cli(...ablation, '--out', 'calm').then(({ code, output }) => {
    expect(code, output).toBe(0)
    return resultsIn('calm')
  }))

test('a training process and the command are killed, and the results are the same', async () => {
  const wanted = await undisturbed()
  expect(wanted.split('\n')).toHaveLength(3)
  const first = start(...ablation, '--out', 'killed')
  const checkpoint = (): boolean => globSync(join(root, 'killed/trials/*/*/step-*')).length > 0
  await until(checkpoint)
  execFileSync('pkill', ['-KILL', '-P', String(first.child.pid), '-f', 'trials/worker'])
  // Its next attempt has its own folder.
  await until(() => globSync(join(root, 'killed/trials/*/2-*')).length > 0)
  first.child.kill('SIGKILL')
  const { output: said } = await first.ended
  expect(said).toMatch(/a process died \(SIGKILL\)/)
  const { code, output } = await cli(...ablation, '--out', 'killed')
  expect(code, output).toBe(0)
  expect(resultsIn('killed')).toBe(wanted)
  const attempts = await (await openTrials(join(root, 'killed'))).list()
  expect(Math.max(...attempts.map((entry) => entry.attempts))).toBeGreaterThan(2)
})

const servers: readonly [string, string | undefined, () => Promise<Server>][] = [
  ['Redis', redisServer, redis],
  ['PostgreSQL', postgresServer, postgres],
]
for (const [name, program, make] of servers)
  test.skipIf(!program)(
    `workers of ${name} give the same results${program ? '' : ' (skipped: not installed)'}`,
    async () => {
      const server = await make()
      await server.start()
      const where = server.url('a')
      const place = ['--queue', where, '--storage', `storage-${name}`]
      const worker = start('worker', ...place, '--processes', '1')
      try {
        const wanted = await undisturbed()
        const driver = start(...ablation, ...place, '--out', name)
        const { code, output } = await driver.ended
        expect(code, output).toBe(0)
        expect(resultsIn(name)).toBe(wanted)
        const shown = await cli('experiment', where)
        expect(shown.stdout).toContain('2 trials: 2 finished, 0 running, 0 waiting, 0 failed')
        // A program of another version, and another kind of machine.
        await expect(openTrials(where, { version: 'another' })).rejects.toThrow(
          /was started by version @tricks\/cli .*, but this is another/,
        )
        worker.child.kill('SIGTERM')
        expect((await worker.ended).code).toBe(0)
      } finally {
        worker.child.kill('SIGKILL')
        await server.kill()
      }
    },
  )

test('an experiment is shown, paused, resumed, retried and exported', async () => {
  const folder = join(root, 'shown')
  const queue = await openTrials(folder)
  const { trialOf } = await import('@tricks/trials')
  const config = (arm: string): { readonly arm: string } => ({ arm })
  await queue.add(
    ['mixup', 'cutout', 'ricap'].map((arm) =>
      trialOf({ kind: 'arm', config: config(arm), seed: 3, budget: 1 }),
    ),
  )
  for (let i = 0; i < 3; i++) await queue.finish((await queue.claim())!, { error: 'out of luck' })
  await queue.renew((await queue.claim())!, 0.5)

  const shown = await cli('experiment', folder)
  expect(shown.code).toBe(0)
  expect(shown.stdout).toMatch(/^3 trials: 0 finished, 1 running, 1 waiting, 1 failed\n/)
  expect(shown.stdout).toMatch(/ {2}cutout, seed 3 {3}50 % {2}on .+\n/)
  expect(shown.stdout).toContain('  mixup, seed 3  failed after 3 attempts: out of luck\n')
  expect((await cli('experiment', folder, 'pause')).stdout).toMatch(/; paused\n/)
  expect(await queue.claim()).toBeUndefined()
  const exported = await cli('experiment', folder, 'resume', '--json')
  const { paused, trials } = JSON.parse(exported.stdout) as { paused: boolean; trials: object[] }
  expect([paused, trials]).toEqual([false, await queue.list()])
  expect((await cli('experiment', folder, 'retry')).output).toContain(
    '1 failed trial is waiting again.',
  )
  expect((await queue.counts()).failed).toBe(0)
  await queue.close()
})

test('reports invalid arguments', async () => {
  const mistakes: readonly [readonly string[], RegExp][] = [
    [['worker'], /worker: expected --queue/],
    [['worker', '--queue', 'redis://host'], /worker: expected --storage/],
    [['experiment', 'nowhere'], /expected a folder that contains an experiment.*, got nowhere/],
    [['experiment', 'redis://host', 'pauze'], /got pauze \(did you mean pause\?\)/],
    [['ablate', 'cifar10', '--queue', 'redis://host'], /expected both --queue and --storage/],
    [['ablate', 'cifar10', '--queue', 'runs', '--storage', 'a'], /--queue: expected redis:\/\/…/],
  ]
  for (const [words, message] of mistakes) {
    const { code, output } = await cli(...words)
    expect(output).toMatch(message)
    expect(code, words.join(' ')).toBe(2)
  }
  const away = await cli('experiment', 'redis://127.0.0.1:1')
  expect(away.output).toMatch(/can't use redis:\/\/127\.0\.0\.1:1: connect ECONNREFUSED/)
  expect(away.code).toBe(1)
})
