import { type Duration, stepsOf, type Time, type Trick } from '@tricks/core'
import { combine, type States } from '@tricks/core/run'

/**
 * A trick's hooks with time counted from the end of the warm-up, as if the run started there; the trick sees nothing from
 * before.
 */
export function onOwnClock(after: Trick, over: Duration): Partial<Trick<States>> {
  const hooks = combine('warmup', [after])
  const later = (time: Time): Time => {
    const steps = stepsOf(over, time)
    return { ...time, step: time.step - steps, steps: time.steps - steps }
  }
  return {
    ...(after.start && { start: hooks.start }),
    learningRate: (rate, time, states) => hooks.learningRate(rate, later(time), states),
    ...(after.observe && {
      observe: hooks.observe.map((observer) => ({
        every: observer.every,
        metrics(metrics, time, states) {
          if (later(time).step >= 0) observer.metrics(metrics, later(time), states)
        },
      })),
    }),
    ...(after.afterEpoch && {
      afterEpoch: (epoch, states) => {
        const time = later(epoch.time)
        return time.step > 0 ? hooks.afterEpoch({ ...epoch, time }, states) : undefined
      },
    }),
    ...(after.finish && { finish: (end, states) => hooks.finish(end, states) }),
  }
}
