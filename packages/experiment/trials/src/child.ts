import { type ChildProcess, fork } from 'node:child_process'
import type { FromChild, ToChild } from './serve.ts'
import type { Outcome } from './trial.ts'

/** How a child's work on a trial ended. */
export type Result =
  | { readonly outcome: Outcome }
  | { readonly error: string; readonly storage: boolean }

/** A process that trains trials, so that the worker's own process is never blocked and can renew its claims. */
export interface Child {
  /** Trains a trial; starts the process if necessary. */
  train(job: Exclude<ToChild, 'stop'>, progress: (share: number) => void): Promise<Result>
  /** Stops the process, by force after `grace` milliseconds; the trial that it was training fails. */
  end(grace: number): Promise<void>
}

/**
 * Creates a child, whose process starts with the first trial. @param module calls `serveTrials`
 */
export function childOf(module: string): Child {
  let running: { readonly child: ChildProcess; readonly ready: Promise<unknown> } | undefined
  const start = (): NonNullable<typeof running> => {
    // With steps this small, several processes use the cores better than several threads.
    const env = { ...process.env, TF_NUM_INTRAOP_THREADS: '1', OMP_NUM_THREADS: '1' }
    const child = fork(module, { env })
    const ready = new Promise<void>((resolve) => {
      child.once('message', () => resolve())
      child.once('exit', () => resolve())
      child.once('error', () => resolve())
    })
    child.once('exit', () => {
      if (running?.child === child) running = undefined
    })
    return (running = { child, ready })
  }
  return {
    async train(job, progress) {
      const { child, ready } = running ?? start()
      await ready
      return new Promise((resolve) => {
        const settle = (result: Result): void => {
          child.off('message', hear).off('exit', ended).off('error', broken)
          resolve(result)
        }
        const hear = (message: FromChild): void => {
          if (message === 'ready') return
          if ('progress' in message) progress(message.progress)
          else settle(message)
        }
        const ended = (code: number | null, signal: string | null): void =>
          settle({ error: `a process died (${signal ?? `exit code ${code}`})`, storage: false })
        const broken = (error: Error): void => settle({ error: error.message, storage: false })
        child.on('message', hear).on('exit', ended).on('error', broken)
        if (child.exitCode !== null || child.signalCode !== null)
          ended(child.exitCode, child.signalCode)
        // If it has died meanwhile, its exit event reports it.
        else child.send(job, () => undefined)
      })
    },
    async end(grace) {
      if (!running) return
      const { child } = running
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = new Promise((resolve) => child.once('exit', resolve))
      if (grace > 0) child.send('stop', () => undefined)
      const timer = setTimeout(() => child.kill('SIGKILL'), grace)
      await ended
      clearTimeout(timer)
    },
  }
}
