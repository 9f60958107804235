import type { Json, Metrics } from '@tricks/core'

/** The result of a run on held-out images. */
export interface Outcome extends Metrics {
  readonly calibrationError: number
  /** Metrics of the last epoch. */
  readonly training: Metrics
  readonly steps: number
  readonly wallClock: { readonly cpuSeconds: number }
}

/** A run that a worker is asked to do. */
export interface Job {
  readonly spec: Json
  readonly seed: number
}

/**
 * The main loop of a worker process: trains one arm after another, as requested by `ablate`.
 *
 * @param train trains an arm from its spec
 * @example
 * // Training omitted:
 * const metrics = { loss: 0.5, accuracy: 0.8 }
 * const outcome = { ...metrics, calibrationError: 0.1, training: metrics, steps: 100, wallClock: { cpuSeconds: 9 } }
 * const serve = () => serveArms(async ({ spec, seed }) => outcome)
 */
export function serveArms(train: (job: Job) => Promise<Outcome>): void {
  const send = (message: unknown): void => void process.send?.(message)
  process.on('message', (job: Job) => {
    train(job).then(send, (error: Error) => send({ error: error.message }))
  })
  // The parent process is gone, so nobody would read the result.
  process.on('disconnect', () => process.exit())
  send('ready')
}
