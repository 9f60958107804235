import type { Json, Metrics } from '@tricks/core'

/** What came of a run, on images that it was not trained on. */
export interface Outcome extends Metrics {
  readonly calibrationError: number
  /** Of the last epoch. */
  readonly training: Metrics
  readonly steps: number
  readonly wallClock: { readonly cpuSeconds: number }
}

/** A run that a worker is asked for. */
export interface Job {
  readonly spec: Json
  readonly seed: number
}

/**
 * The loop of a worker's process: trains one arm after the other, as `ablate` asks for them.
 *
 * @param train trains an arm from its spec
 * @example
 * // Here the training is left out:
 * const metrics = { loss: 0.5, accuracy: 0.8 }
 * const outcome = { ...metrics, calibrationError: 0.1, training: metrics, steps: 100, wallClock: { cpuSeconds: 9 } }
 * const serve = () => serveArms(async ({ spec, seed }) => outcome)
 */
export function serveArms(train: (job: Job) => Promise<Outcome>): void {
  const send = (message: unknown): void => void process.send?.(message)
  process.on('message', (job: Job) => {
    train(job).then(send, (error: Error) => send({ error: error.message }))
  })
  // Whoever started it is gone: nobody would read the outcome.
  process.on('disconnect', () => process.exit())
  send('ready')
}
