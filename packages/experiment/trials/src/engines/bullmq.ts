import { randomUUID } from 'node:crypto'
import type { Job, JobType, Worker } from 'bullmq'
import {
  type Claim,
  type Entry,
  limits,
  lostTooOften,
  ownName,
  type Queue,
  type QueueOptions,
  type State,
} from '../queue.ts'
import type { Outcome, Trial } from '../trial.ts'
import type { Address } from './address.ts'
import { connect, reasonOf } from './server.ts'

/** JSON as text, because PostgreSQL would sort an object's keys. */
type Text = string
interface Data {
  readonly trial: Text
  /** Its position in the order of adding. */
  readonly order: number
}
type TrialJob = Job<Data, Text>

const everyState: JobType[] = ['waiting', 'prioritized', 'delayed', 'active', 'completed', 'failed']

/** BullMQ's codes for a job that the token no longer holds: no such job, no lock, not active, another worker's lock. */
const lostCodes: readonly unknown[] = [-1, -2, -3, -6]

/**
 * The engine for many machines: BullMQ on Redis or PostgreSQL. Trials are claimed manually, because those that train in
 * a child process are renewed and finished by our own rules.
 *
 * @throws Error if the server can't be used
 */
export async function openServer(address: Address, options: QueueOptions = {}): Promise<Queue> {
  const say = options.say ?? console.error
  const lease = Math.round((options.lease ?? 30) * 1000)
  const { bullmq, connection, backend } = await connect(address, say)
  let lastMessage = ''
  const report = (error: Error): void => {
    const reason = reasonOf(error)
    // While a server is down, every connection fails every second: report it once.
    if (reason !== lastMessage) say(`${address.name}: ${(lastMessage = reason)}; trying again`)
  }
  const named = `tricks-${address.experiment}`
  const queue = new bullmq.Queue<TrialJob>(named, { connection }, ...(backend as []))
  const notes = new bullmq.Queue(`${named}-notes`, { connection }, ...(backend as []))
  for (const each of [queue, notes]) each.on('error', report)
  try {
    await queue.waitUntilReady()
    await notes.waitUntilReady()
    // A read-only server fails here, not when trials are added.
    await notes.add('opened', true, { jobId: 'opened' })
  } catch (error) {
    await Promise.allSettled([queue.close(), notes.close()])
    throw new Error(`trials: can't use ${address.name}: ${reasonOf(error)}`, { cause: error })
  }

  let worker: Promise<Worker<Data, Text>> | undefined
  const held = new Map<string, TrialJob>()
  async function begin(): Promise<Worker<Data, Text>> {
    const made = new bullmq.Worker<Data, Text>(
      named,
      null,
      {
        connection,
        name: options.worker ?? ownName(),
        autorun: false,
        lockDuration: lease,
        // A dead worker's trial is found by the second check after its lease: within 40 s by default.
        stalledInterval: Math.round(lease / 3),
        maxStalledCount: limits.lost - 1,
      },
      ...(backend as []),
    )
    made.on('error', report)
    try {
      await made.startStalledCheckTimer()
    } catch (error) {
      void made.close(true).catch(() => undefined)
      throw error
    }
    return made
  }
  /** Acts on a claimed job; returns false if the claim is no longer valid. */
  async function holding(claim: Claim, act: (job: TrialJob) => Promise<unknown>): Promise<boolean> {
    const job = held.get(claim.token)
    if (!job) return false
    try {
      await act(job)
      return true
    } catch (error) {
      if (!lostCodes.includes((error as { readonly code?: unknown }).code)) throw error
      held.delete(claim.token)
      return false
    }
  }

  return {
    name: address.name,
    lease,
    async add(trials) {
      const first = await queue.getJobCountByTypes(...everyState)
      const once = { attempts: limits.failures, removeOnComplete: false, removeOnFail: false }
      await queue.addBulk(
        trials.map((trial, i) => ({
          name: trial.kind,
          data: { trial: JSON.stringify(trial), order: first + i },
          opts: { ...once, jobId: trial.id },
        })),
      )
    },
    async claim() {
      worker ??= begin().catch((error: unknown) => {
        // The next claim starts from the beginning.
        worker = undefined
        throw error
      })
      const own = await worker
      for (;;) {
        const token = randomUUID()
        const job = await own.getNextJob(token, { block: false })
        if (!job) return undefined
        // In BullMQ, the next worker fails a job that lost too many workers.
        if (job.deferredFailure) {
          await job.moveToFailed(new bullmq.UnrecoverableError(lostTooOften), token, false)
          continue
        }
        held.set(token, job)
        return { trial: JSON.parse(job.data.trial) as Trial, attempt: job.attemptsStarted, token }
      }
    },
    renew: (claim, progress) =>
      holding(claim, async (job) => {
        if (!(await job.extendLock(claim.token, lease)))
          throw Object.assign(new Error('its lease ended'), { code: lostCodes[1] })
        if (progress !== undefined) await job.updateProgress(progress)
      }),
    async finish(claim, ending) {
      const done = await holding(claim, (job) =>
        ending === 'given back'
          ? job.moveToWait(claim.token)
          : 'error' in ending
            ? job.moveToFailed(new Error(ending.error), claim.token, false)
            : job.moveToCompleted(JSON.stringify(ending.outcome), claim.token, false),
      )
      held.delete(claim.token)
      return done
    },
    async list() {
      const jobs = (await queue.getJobs(everyState)) as unknown as (TrialJob | undefined)[]
      const active = new Set((await queue.getJobs(['active'])).map((job) => job?.id))
      // A trial whose state changes meanwhile may be listed twice: the later entry is newer.
      const distinct = new Map(jobs.flatMap((job) => (job ? [[job.id, job]] : [])))
      return [...distinct.values()]
        .toSorted((a, b) => a.data.order - b.data.order)
        .map((job) => entryOf(job, active.has(job.id)))
    },
    async counts() {
      const {
        active = 0,
        completed = 0,
        failed = 0,
        ...rest
      } = await queue.getJobCounts(...everyState)
      const waiting = Object.values(rest).reduce((sum, each) => sum + each, 0)
      return { waiting, running: active, finished: completed, failed }
    },
    pause: (paused) => (paused ? queue.pause() : queue.resume()),
    paused: () => queue.isPaused(),
    async retry() {
      const failed = await queue.getJobs(['failed'])
      for (const job of failed) await job.retry('failed', { resetAttemptsMade: true })
      return failed.length
    },
    async note(name, value) {
      const jobId = `note-${name}`
      if (value !== undefined) await notes.add(name, value, { jobId })
      return (await notes.getJob(jobId))?.data as string | undefined
    },
    async close() {
      await (await worker)?.close(true)
      await Promise.all([queue.close(), notes.close()])
    },
  }
}

function entryOf(job: TrialJob, active: boolean): Entry {
  const { data, attemptsStarted, processedBy, progress, failedReason, finishedOn, returnvalue } =
    job
  const state: State =
    finishedOn === undefined
      ? active
        ? 'running'
        : 'waiting'
      : failedReason
        ? 'failed'
        : 'finished'
  return {
    trial: JSON.parse(data.trial) as Trial,
    state,
    attempts: attemptsStarted,
    ...(processedBy && { worker: processedBy }),
    ...(state === 'finished'
      ? { progress: 1, outcome: JSON.parse(returnvalue) as Outcome }
      : typeof progress === 'number' && { progress }),
    ...(failedReason && state !== 'finished' && { error: failedReason }),
  }
}
