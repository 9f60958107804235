export { newestCheckpoint } from './checkpoint.ts'
export { openTrials } from './open.ts'
export { addressOf } from './engines/address.ts'
export {
  type Claim,
  type Counts,
  type Ending,
  type Entry,
  type Queue,
  type QueueOptions,
  type State,
} from './queue.ts'
export { type Job, type Program, serveTrials } from './serve.ts'
export { settle, type SettleOptions, withWorkers } from './settle.ts'
export { type Outcome, type Trial, trialOf } from './trial.ts'
export { attemptsAt, forget } from './storage.ts'
export { workOn, type WorkOptions } from './work.ts'
