// The other methods of a search for a policy, on generated pictures, whose classes are the directions of stripes.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { autoAugment, type Policy } from '@tricks/autoaugment'
import { randAugment } from '@tricks/rand-augment'
import { type Job, openTrials, type Queue, trialOf, withWorkers } from '@tricks/trials'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { densityProgram, type DensityMetrics } from '../src/policy/density-trial.ts'
import type { Found, Sizes } from '../src/policy/method.ts'
import { methods, type MethodName } from '../src/policy/methods.ts'
import { recipeOnTop } from '../src/policy/record.ts'
import { runSearch } from '../src/policy/run.ts'
import { trialWorker } from '../src/trials/common.ts'
import type { Bag } from '../src/tune/bag.ts'
import { foldOf, openImages } from '../src/tune/images.ts'
import type { TuneSetup } from '../src/tune/setup.ts'
import { trainBag, type TuneMetrics } from '../src/tune/trial.ts'
import { paintStripes } from './stripes.ts'

const root = mkdtempSync(join(tmpdir(), 'policy-'))
beforeAll(() => paintStripes(root))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const setup: TuneSetup = {
  recipe: join(root, 'slow.recipe.ts'),
  data: join(root, 'pictures'),
  size: 8,
  skipBroken: false,
  backend: 'wasm',
  precision: 'float32',
  epochs: 3,
  images: { training: 100, validation: 28, test: 36 },
}
const bag: Bag = {
  batchSize: 8,
  optimizer: { name: 'sgd', options: { learningRate: 0.05, momentum: 0.9 } },
  tricks: [{ name: 'cosine-decay', options: {} }],
}

let queue: Queue
/** Ends the workers, which all searches share, as starting them takes longer than their work. */
let end: () => void
let working: Promise<void>
beforeAll(async () => {
  queue = await openTrials(root)
  const work = { module: trialWorker, storage: root, processes: 2 }
  working = withWorkers(queue, work, () => new Promise<void>((resolve) => (end = resolve)))
})
afterAll(async () => {
  end()
  await working
  await queue.close()
})

/** @param stopAfter a message that interrupts the search */
function searched(
  method: MethodName,
  rounds: number,
  stopAfter?: string,
): Promise<Found | undefined> {
  const stop = new AbortController()
  const say = (line: string): void => {
    if (stopAfter !== undefined && line.startsWith(stopAfter)) stop.abort()
  }
  const plan = { epochs: setup.epochs, rounds, held: 40, cost: 0, text: 'a plan' }
  const own = { queue, storage: root, setup, bag, plan, members: 4, reward: 'mean' } as const
  const onTrained = (): void => undefined
  return methods[method].search({ ...own, seed: 3, signal: stop.signal, say, onTrained })
}

test('fast-autoaugment is interrupted, continues, and is replayed', async () => {
  expect(await searched('fast-autoaugment', 2, 'Round   1')).toBeUndefined()
  expect(await queue.list()).toHaveLength(5 + 10)
  const found = await searched('fast-autoaugment', 2)
  const policy = found!.call.options['policy'] as unknown as Policy
  expect(() => autoAugment({ policy })).not.toThrow()
  const { folds } = found!.tried as {
    folds: { accuracy: number; candidates: { policy: Policy; mean: number }[] }[]
  }
  expect(folds.map(({ candidates }) => candidates.length)).toEqual([20, 20, 20, 20, 20])
  for (const { candidates } of folds) {
    // The best one of each fold is part of the policy.
    const best = candidates.toSorted((a, b) => b.mean - a.mean)[0]!
    for (const steps of best.policy)
      if (steps[0]![0] !== steps[1]![0]) expect(policy).toContainEqual(steps)
  }
  // Repeated from the stored results alone, without another attempt at a trial.
  expect(await searched('fast-autoaugment', 2)).toEqual(found)
  const attempts = (await queue.list()).map((entry) => entry.attempts)
  expect(attempts).toEqual(Array.from({ length: 5 + 2 * 10 }, () => 1))
})

test('autoaugment and the grid of rand-augment', async () => {
  const found = await searched('autoaugment', 2)
  const policy = found!.call.options['policy'] as unknown as Policy
  expect(() => autoAugment({ policy })).not.toThrow()
  expect(policy).toHaveLength(25)
  const { policies } = found!.tried as { policies: { policy: Policy; accuracy: number }[] }
  expect(policies).toHaveLength(8)
  const best = policies.toSorted((a, b) => b.accuracy - a.accuracy)[0]!
  expect(policy.slice(0, 5)).toEqual(best.policy)

  const cell = await searched('rand-augment', 1)
  expect(() => randAugment(cell!.call.options)).not.toThrow()
  const { cells } = cell!.tried as {
    cells: { operations: number; magnitude: number; accuracies: number[] }[]
  }
  const most = Math.max(...cells.map(({ accuracies }) => accuracies[0]!))
  expect(cells.find(({ accuracies }) => accuracies[0] === most)).toMatchObject(cell!.call.options)
  const { call } = cell!
  const { operations, magnitude } = call.options
  expect(recipeOnTop('quick', 'a.recipe.mjs', { call, replaced: [] })).toContain(
    `randAugment({ operations: ${JSON.stringify(operations)}, magnitude: ${JSON.stringify(magnitude)} })`,
  )
})

test('folds are stratified, differ, and hold out two fifths', async () => {
  const { train } = await openImages(setup)
  const folds = [0, 1].map((index) => foldOf(train, { index, held: 40 }, 1))
  for (const { train: own, held } of folds) {
    expect([own.labels.length, held.labels.length]).toEqual([60, 40])
    expect(Array.from(held.labels).filter((label) => label === 0)).toHaveLength(20)
  }
  const small = foldOf(train, { index: 0, held: 10 }, 1)
  expect([small.train.labels.length, small.held.labels.length]).toEqual([60, 10])
  expect(folds[0]!.held.images).not.toEqual(folds[1]!.held.images)
  expect(foldOf(train, { index: 0, held: 40 }, 2).held.images).not.toEqual(folds[0]!.held.images)
})

test('a policy that changes nothing is rewarded with the accuracy of the network', async () => {
  const storage = join(root, 'storage')
  const run = async (program: (job: Job) => Promise<{ metrics: unknown }>, trial: Job['trial']) => {
    const folder = join(storage, 'trials', trial.id, '1-a')
    const { signal } = new AbortController()
    const job = { trial, storage, folder, earlier: [], signal, progress: () => undefined }
    return (await program(job)).metrics
  }
  const config = { bag, setup, fold: { index: 1, held: 40 } }
  const network = trialOf({
    kind: 'tune',
    config: { ...config, measured: 'held' } as never,
    seed: 2,
    budget: setup.epochs,
  })
  const { accuracy } = (await run((job) => trainBag(job, 15), network)) as TuneMetrics
  // Well above chance.
  expect(accuracy).toBeGreaterThan(0.7)
  const never = Array.from({ length: 5 }, () => [['Invert', 0, null] as const])
  const gray = Array.from({ length: 5 }, () => [['Contrast', 1, 9] as const])
  const trial = trialOf({
    kind: 'density',
    config: { ...config, arm: 'candidates', first: 0, candidates: [never, gray] } as never,
    seed: 2,
    budget: setup.epochs,
    from: network.id,
  })
  const { candidates } = (await run(densityProgram, trial)) as DensityMetrics
  const [kept, grayed] = candidates
  expect(kept!.mean).toBeCloseTo(accuracy!, 12)
  expect(kept!['best-of-five']).toBeCloseTo(accuracy!, 12)
  expect(grayed!.mean).toBeLessThan(accuracy!)
  expect(grayed!['best-of-five']).toBeGreaterThan(grayed!.mean)
  // Without the network's checkpoint, it is trained again.
  const again = trialOf({ ...trial, from: 't-0' })
  expect(((await run(densityProgram, again)) as DensityMetrics).candidates).toEqual(candidates)
})

test('plans use the budget, and never less than the smallest search', () => {
  const sizes: Sizes = { epochs: 40, images: 5000, members: 16 }
  const plan = (
    method: MethodName,
    most: number,
  ): { epochs: number; rounds: number; cost: number } => methods[method].plan(most, sizes)
  // Five networks on three fifths of the images, and 200 candidates whose copies of all held-out images take 1.5 epochs each.
  expect(plan('fast-autoaugment', 2000)).toMatchObject({ rounds: 20, held: 2000, cost: 1620 })
  expect(plan('fast-autoaugment', 500)).toMatchObject({ rounds: 20, held: 506, cost: 500 })
  expect(plan('fast-autoaugment', 250)).toMatchObject({ rounds: 13, held: 250, epochs: 40 })
  expect(plan('autoaugment', 3200)).toMatchObject({ epochs: 10, rounds: 20, cost: 3200 })
  expect(plan('rand-augment', 1300)).toMatchObject({ epochs: 40, rounds: 2, cost: 1200 })
  for (const method of Object.keys(methods) as MethodName[]) {
    const shortest = plan(method, 0)
    expect(shortest.epochs).toBe(4)
    for (const most of [100, 300, 1000, 3000])
      expect(plan(method, most).cost).toBeLessThanOrEqual(Math.max(most, shortest.cost))
  }
})

test('rejects options of other methods', async () => {
  const search = (flags: object): Promise<number> =>
    runSearch(join(root, 'pictures'), { budget: '500epochs', ...flags }, 'tricks')
  await expect(search({ reward: 'mean' })).rejects.toThrow(
    '--reward: expected --method fast-autoaugment, got pba',
  )
  await expect(search({ members: 8, method: 'rand-augment' })).rejects.toThrow(
    '--members: expected --method pba or autoaugment, got rand-augment',
  )
  await expect(search({ only: 'none,randm policies' })).rejects.toThrow(
    /--only: expected some of none, random policies, .*, got randm policies/,
  )
})
