// The guarantees of every engine, even if processes or servers die. Each test has its own experiment.
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, describe, expect, test, type TestContext } from 'vitest'
import { openTrials } from '../src/open.ts'
import type { Claim, Entry, Queue } from '../src/queue.ts'
import { settle, withWorkers } from '../src/settle.ts'
import { type Trial, trialOf } from '../src/trial.ts'
import { workOn } from '../src/work.ts'
import { generations } from './generations.ts'
import type { Server } from './servers.ts'

const root = mkdtempSync(join(tmpdir(), 'trials-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
export const module: string = join(import.meta.dirname, 'steps.ts')

export const stepsTrial = (seed: number, steps = 6, step = 60): Trial =>
  trialOf({ kind: 'steps', config: { steps, step }, seed, budget: steps })
const other = (kind: string, seed = 0): Trial => trialOf({ kind, config: {}, seed, budget: 1 })

interface Event {
  readonly id: string
  readonly from: number
  readonly worker: number
  readonly child: number
  readonly at: number
}

export interface Scene {
  readonly where: string
  readonly storage: string
  readonly queue: Queue
  worker(lease?: number): ChildProcess & { readonly printed: () => string }
  events(): Event[]
}

let scenes = 0
/** An experiment with its storage and workers, stopped at the end of the test. */
export async function sceneOf(
  // The test's own hook: with concurrent tests, vitest's global one may belong to another test.
  onTestFinished: TestContext['onTestFinished'],
  address: (name: string) => string,
  lease = 2,
): Promise<Scene> {
  const name = `${process.pid}-${++scenes}`
  const storage = mkdtempSync(join(root, 'storage-'))
  const where = address(name)
  const queue = await openTrials(where, { lease, say: () => undefined })
  const workers: ChildProcess[] = []
  onTestFinished(async () => {
    for (const each of workers) each.kill('SIGKILL')
    await queue.close()
  })
  return {
    where,
    storage,
    queue,
    worker(own = lease) {
      const child = start('worker.ts', where, storage, String(own))
      workers.push(child)
      return child
    },
    events() {
      const file = join(storage, 'events.jsonl')
      if (!existsSync(file)) return []
      return readFileSync(file, 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Event)
    },
  }
}

export function start(
  program: string,
  ...words: string[]
): ChildProcess & { readonly printed: () => string } {
  const node = ['--conditions=@tricks/source', '--no-warnings', join(import.meta.dirname, program)]
  const child = spawn(process.execPath, [...node, ...words], { stdio: ['ignore', 'pipe', 'pipe'] })
  let printed = ''
  child.stdout.on('data', (text) => (printed += text))
  child.stderr.on('data', (text) => (printed += text))
  return Object.assign(child, { printed: () => printed })
}

export async function until<T>(
  find: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  for (;;) {
    const found = await find()
    if (found !== undefined && found !== false) return found
    await wait(20)
  }
}

const isAlive = (pid: number): boolean => {
  try {
    // A zombie has exited: its parent was killed, and nobody has reaped it yet.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

/** The results of undisturbed workers on the local engine. */
export async function undisturbed(trials: readonly Trial[]): Promise<unknown[]> {
  const storage = mkdtempSync(join(root, 'undisturbed-'))
  const queue = await openTrials(storage)
  const entries = await withWorkers(queue, { module, storage, processes: 3 }, () =>
    settle(queue, trials, { every: 50 }),
  )
  await queue.close()
  return resultsOf(entries)
}
export const resultsOf = (entries: readonly Entry[]): unknown[] =>
  entries.map(({ trial, state, outcome }) => ({ trial, state, outcome }))

export function contract(address: (name: string) => string): void {
  describe.concurrent('the contract', () => {
    test('keeps the order, adds once, has one outcome per trial', async ({ onTestFinished }) => {
      const { queue, where } = await sceneOf(onTestFinished, address)
      const trials = [3, 1, 2].map((seed) => stepsTrial(seed))
      // Keys in an order that a database might change.
      const outcome = { metrics: { loss: 0.1 + 0.2, accuracy: 1e-7, a: [null, 'ä'] } }
      await queue.add(trials.slice(0, 2))
      await Promise.all([queue.add(trials), queue.add(trials)])
      expect((await queue.list()).map(({ trial }) => trial)).toEqual(trials)
      const first = (await queue.claim())!
      expect(JSON.stringify(first.trial)).toBe(JSON.stringify(trials[0]))
      expect(first).toMatchObject({ trial: trials[0], attempt: 1 })
      expect(await queue.renew(first, 0.25)).toBe(true)
      expect((await queue.list())[0]).toMatchObject({
        state: 'running',
        attempts: 1,
        progress: 0.25,
      })
      expect(await queue.finish(first, { outcome })).toBe(true)
      expect(await queue.finish(first, { outcome: { metrics: 2 } })).toBe(false)
      expect(await queue.renew(first)).toBe(false)
      const all = [await queue.claim(), await queue.claim(), await queue.claim()]
      expect(all.map((claim) => claim?.trial.seed)).toEqual([1, 2, undefined])
      await queue.add(trials)
      expect(await queue.counts()).toEqual({ waiting: 0, running: 2, finished: 1, failed: 0 })
      // As another process sees it.
      const elsewhere = await openTrials(where, { say: () => undefined })
      const [finished] = await elsewhere.list()
      expect(finished).toMatchObject({ state: 'finished', attempts: 1 })
      expect(JSON.stringify(finished!.outcome)).toBe(JSON.stringify(outcome))
      await elsewhere.close()
    })

    test('pauses, resumes, and keeps the first note', async ({ onTestFinished }) => {
      const { queue } = await sceneOf(onTestFinished, address)
      await queue.add([stepsTrial(0)])
      await queue.pause(true)
      expect([await queue.paused(), await queue.claim()]).toEqual([true, undefined])
      await queue.pause(false)
      expect(await queue.paused()).toBe(false)
      expect(await queue.claim()).toBeDefined()
      expect(await queue.note('version')).toBeUndefined()
      expect(await queue.note('version', '1')).toBe('1')
      expect(await queue.note('version', '2')).toBe('1')
    })

    test('a trial that always fails is tried three times, and blocks no other', async ({
      onTestFinished,
    }) => {
      // Long enough for this process, which runs other tests at the same time.
      const { queue, storage } = await sceneOf(onTestFinished, address, 60)
      const trials = [other('fails', 7), stepsTrial(1, 2), other('dies'), other('unknown')]
      const entries = await withWorkers(queue, { module, storage, processes: 1 }, () =>
        settle(queue, trials),
      )
      expect(entries.map(({ state, attempts, error }) => [state, attempts, error])).toEqual([
        ['failed', 3, 'no luck with seed 7'],
        ['finished', 1, undefined],
        ['failed', 3, 'a process died (SIGKILL)'],
        ['failed', 3, expect.stringMatching(/no program for 'unknown', only for steps/)],
      ])
      expect(await queue.retry()).toBe(3)
      expect(await queue.counts()).toMatchObject({ waiting: 3, finished: 1, failed: 0 })
      // After the retry, it has failed three more times.
      const again = await withWorkers(queue, { module, storage, processes: 1 }, () =>
        settle(queue, trials.slice(0, 1)),
      )
      expect(again[0]).toMatchObject({ state: 'failed', attempts: 6 })
    })

    test('a storage folder that cannot be written stops the worker without losing trials', async ({
      onTestFinished,
    }) => {
      const { queue, storage } = await sceneOf(onTestFinished, address, 60)
      await queue.add([stepsTrial(0)])
      // A file instead of the folder: a full or a read-only disk fails at the same point.
      writeFileSync(join(storage, 'trials'), '')
      await expect(
        workOn(queue, { module, storage, processes: 2, signal: new AbortController().signal }),
      ).rejects.toThrow(/can't write to the storage folder .* are returned to the queue$/)
      expect((await queue.list())[0]).toMatchObject({ state: 'waiting' })
      rmSync(join(storage, 'trials'))
      const [entry] = await withWorkers(queue, { module, storage, processes: 1 }, () =>
        settle(queue, [stepsTrial(0)]),
      )
      expect(entry).toMatchObject({ state: 'finished' })
    })

    test('an experiment that is bound to one kind of machine rejects others', async ({
      onTestFinished,
    }) => {
      const { queue, storage } = await sceneOf(onTestFinished, address, 60)
      await queue.note('bound to a machine', 'yes')
      const own = { module, storage, machine: 'a', processes: 1 }
      const first = [stepsTrial(1, 1), stepsTrial(2, 1)]
      await withWorkers(queue, own, () => settle(queue, first))
      await queue.add([stepsTrial(3, 1)])
      await expect(
        workOn(queue, { ...own, machine: 'b', signal: new AbortController().signal }),
      ).rejects.toThrow(/must use the same kind of machine: it runs on a, but this is b/)
      expect(await queue.counts()).toEqual({ waiting: 1, running: 0, finished: 2, failed: 0 })
    })

    test('a trial that loses twenty workers is given up', async ({ onTestFinished }) => {
      const { queue } = await sceneOf(onTestFinished, address, 0.15)
      await queue.add([stepsTrial(0)])
      const started: Claim[] = []
      const entry = await until(async () => {
        const claim = await queue.claim()
        if (claim) started.push(claim)
        const [only] = await queue.list()
        return only?.state === 'failed' && only
      })
      expect(started.map(({ attempt }) => attempt)).toEqual(
        Array.from({ length: 20 }, (_, i) => i + 1),
      )
      expect(entry.error).toMatch(/its worker died 20 times/)
      expect(await queue.retry()).toBe(1)
      expect((await queue.claim())!.attempt).toBeGreaterThan(20)
    })

    test("a killed worker's trial is continued by another from its checkpoint", async ({
      onTestFinished,
    }) => {
      const { queue, worker, events } = await sceneOf(onTestFinished, address)
      const trial = stepsTrial(5, 12, 100)
      const first = worker()
      await queue.add([trial])
      const started = await until(() => events()[0])
      await until(async () => (await queue.list())[0]!.progress! > 0)
      first.kill('SIGKILL')
      // Its child exits with it, at the end of a step.
      await until(() => !isAlive(started.child))
      worker()
      const [entry] = await settle(queue, [trial])
      const [, second] = events()
      expect(second!.from).toBeGreaterThan(0)

      expect(entry).toMatchObject({ state: 'finished', attempts: 2 })
      expect(resultsOf([entry!])).toEqual(await undisturbed([trial]))
    })

    test('a suspended worker that wakes up late is refused, and its child is killed', async ({
      onTestFinished,
    }) => {
      const { queue, worker, events } = await sceneOf(onTestFinished, address)
      const trial = stepsTrial(6, 60, 100)
      const first = worker()
      await queue.add([trial])
      const started = await until(() => events()[0])
      await wait(300)
      first.kill('SIGSTOP')
      worker()
      await until(() => events()[1])
      // While suspended, it loses its claim, and its child continues training.
      expect(isAlive(started.child)).toBe(true)
      first.kill('SIGCONT')
      await until(() => /another worker has claimed it/.test(first.printed()))
      await until(() => !isAlive(started.child))
      const [entry] = await settle(queue, [trial])
      expect(entry).toMatchObject({ state: 'finished', attempts: 2 })
      expect(resultsOf([entry!])).toEqual(
        await undisturbed([stepsTrial(6, 60, 0)].map(() => trial)),
      )
    })

    test('SIGTERM returns a trial to the queue without counting a failure', async ({
      onTestFinished,
    }) => {
      const { queue, worker, events } = await sceneOf(onTestFinished, address, 60)
      const trial = stepsTrial(7, 10, 100)
      const first = worker()
      worker()
      await queue.add([trial])
      const started = await until(() => events()[0])
      const [stopped] = [started.worker === first.pid ? first : undefined]
      await wait(250)
      const since = Date.now()
      process.kill(started.worker, 'SIGTERM')
      const next = await until(() => events()[1])
      // Well before the end of its lease.
      expect(next.at - since).toBeLessThan(20_000)
      expect(next.from).toBeGreaterThan(0)
      if (stopped) await until(() => stopped.exitCode !== null)
      const [entry] = await settle(queue, [trial])
      expect(entry).toMatchObject({ state: 'finished', attempts: 2 })
      expect(resultsOf([entry!])).toEqual(await undisturbed([trial]))
    })

    test('a driver that is killed and restarted makes the same search', async ({
      onTestFinished,
    }) => {
      const { queue, worker, events, where } = await sceneOf(onTestFinished, address)
      worker()
      worker()
      for (let kill = 0; kill < 3; kill++) {
        const driver = start('driver.ts', where, '4')
        const before = await queue.counts()
        // In the middle of a generation: after the first, later in the second and third.
        await until(async () => (await queue.counts()).finished > before.finished)
        driver.kill('SIGKILL')
      }
      const driver = start('driver.ts', where, '4')
      await until(() => driver.exitCode !== null)
      const results = JSON.parse(driver.printed()) as unknown[]

      const storage = mkdtempSync(join(root, 'replayed-'))
      const calm = await openTrials(storage)
      const wanted = await withWorkers(calm, { module, storage, processes: 2 }, () =>
        generations(calm, 4),
      )
      await calm.close()
      expect(results).toEqual(wanted.map(({ trial, outcome }) => [trial.id, outcome]))
      const counts = await queue.counts()
      expect(counts).toEqual({
        waiting: 0,
        running: 0,
        finished: new Set(wanted.map(({ trial }) => trial.id)).size,
        failed: 0,
      })
      // No training process was killed: each trial was started once.
      expect(new Set(events().map(({ id }) => id)).size).toBe(events().length)
    })
  })
}

export interface Kills {
  readonly trials: number
  /** Duration of each of a trial's 4 to 11 steps, in milliseconds. */
  readonly step: number
  /** Seconds. */
  readonly lease: number
  readonly workers: number
  readonly server: number
  readonly driver: number
}

/** The number of kills: twice as many with TRICKS_CHAOS=full, which uses the default lease and takes minutes. */
export const killsOf = (server: number): Kills =>
  process.env['TRICKS_CHAOS'] === 'full'
    ? { trials: 24, step: 500, lease: 30, workers: 10, server: server * 2, driver: 2 }
    : { trials: 12, step: 120, lease: 2, workers: 5, server, driver: 2 }

/** Kills workers, server and driver at random; the results must equal those of an undisturbed sweep. */
export async function chaos(
  onTestFinished: TestContext['onTestFinished'],
  server: Server | undefined,
  address: (name: string) => string,
  kills: Kills,
): Promise<{ readonly restarts: number }> {
  const { queue, where, worker, events } = await sceneOf(onTestFinished, address, kills.lease)
  const trials = Array.from({ length: kills.trials }, (_, i) =>
    stepsTrial(i, 4 + ((i * 5) % 8), kills.step),
  )
  const { createRandom } = await import('@tricks/core')
  const random = createRandom(7)
  let over = false
  const workers: ReturnType<Scene['worker']>[] = Array.from({ length: 3 }, () => worker())
  const killed: { readonly worker: number; readonly at: number }[] = []
  const drive = (): ReturnType<typeof start> => start('sweep.ts', where, JSON.stringify(trials))
  let driver = drive()
  const disturb = async (
    times: number,
    gap: number,
    kill: () => Promise<void> | void,
  ): Promise<void> => {
    for (let i = 0; i < times; i++) {
      await wait(gap * random.uniform(0.5, 1.5))
      await kill()
    }
  }
  await until(() => events()[0])
  await Promise.all([
    disturb(kills.workers, kills.step * 6, () => {
      const index = random.integer(0, 3)
      const victim = workers[index]!
      killed.push({ worker: victim.pid!, at: Date.now() })
      victim.kill('SIGKILL')
      workers[index] = worker()
    }),
    disturb(kills.server, kills.step * 20, async () => {
      await server!.kill()
      await wait(500)
      await server!.start()
    }),
    disturb(kills.driver, kills.step * 16, () => {
      driver.kill('SIGKILL')
      driver = drive()
    }),
  ])
  await until(() => over || driver.exitCode !== null)
  over = true
  expect(driver.exitCode, driver.printed()).toBe(0)
  expect(
    JSON.parse(
      driver
        .printed()
        .split('\n')
        .find((line) => line.startsWith('['))!,
    ),
  ).toEqual(await undisturbed(trials))
  expect(await queue.counts()).toEqual({
    waiting: 0,
    running: 0,
    finished: trials.length,
    failed: 0,
  })
  // The trial that was running when its worker was killed, and when it restarted.
  const started = events()
  const takeovers = killed.flatMap(({ worker: pid, at }) => {
    const own = started.filter((event) => event.worker === pid && event.at < at).at(-1)
    const next = own && started.find((event) => event.id === own.id && event.at > at)
    return next ? [next.at - at] : []
  })
  if (process.env['TRICKS_CHAOS'] === 'full')
    console.log({
      where,
      restarts: started.length - trials.length,
      resumed: started.filter(({ from }) => from > 0).length,
      takeovers,
    })
  return { restarts: started.length - trials.length }
}
