import { cpus } from 'node:os'
import type { Json, Metrics } from '@tricks/core'
import type { Precision } from '@tricks/train'
import type { Job, Program } from '@tricks/trials'

/** The result of a run on held-out images. */
export interface Outcome extends Metrics {
  readonly calibrationError: number
  /** Metrics of the last epoch. */
  readonly training: Metrics
  readonly steps: number
  readonly wallClock: { readonly cpuSeconds: number }
  /**
   * Machine and precision, from `machineOf`: an ablation may be resumed elsewhere, but both runs of a pair must match.
   */
  readonly on: string
}

/** The configuration of an arm's trial. */
export interface ArmConfig {
  readonly arm: string
  readonly spec: Json
  /** Settings shared by all arms. */
  readonly setup: Json
  /** The machine that has to train it, if the ablation runs on one machine at a time. */
  readonly on?: string
}

/** A run assigned to a worker. */
export interface ArmJob extends Job {
  readonly spec: Json
  readonly setup: Json
  readonly seed: number
}

/**
 * The program of a worker process that trains arms, for `serveTrials`.
 *
 * @param train trains an arm from its spec; it resumes an earlier attempt
 * @example
 * // Training omitted:
 * const metrics = { loss: 0.5, accuracy: 0.8 }
 * const outcome = { calibrationError: 0.1, training: metrics, steps: 100, wallClock: { cpuSeconds: 9 } }
 * const arm = armProgram(async ({ spec, seed }) => ({ ...metrics, ...outcome, on: machineOf('float32') }))
 * const serve = () => serveTrials({ arm })
 */
export const armProgram =
  (train: (job: ArmJob) => Promise<Outcome>): Program =>
  async (job) => {
    const { spec, setup } = job.trial.config as unknown as ArmConfig
    return {
      metrics: (await train({ ...job, spec, setup, seed: job.trial.seed })) as unknown as Json,
    }
  }

/**
 * The kind of this machine. Results from different kinds differ by more than seeds do.
 *
 * @param precision included if given
 * @example
 * const on = machineOf('float32') // 'Intel(R) Xeon(R) Processor, 2 cores, Node v24.21.0, float32'
 */
export const machineOf = (precision?: Precision): string =>
  [
    cpus()[0]?.model ?? 'unknown processor',
    `${cpus().length} cores`,
    `Node ${process.version}`,
    ...(precision === undefined ? [] : [precision]),
  ].join(', ')
