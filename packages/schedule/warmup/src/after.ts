import {
  combine,
  type CombinedHooks,
  type Duration,
  stepsOf,
  type Time,
  type Trick,
} from '@tricks/core'

/** A trick's hooks as if its run began where the warm-up ends: it doesn't hear of what was before. */
export function onOwnClock(after: Trick, over: Duration): CombinedHooks {
  const hooks = combine('warmup', [after])
  const later = (time: Time): Time => {
    const steps = stepsOf(over, time)
    return { ...time, step: time.step - steps, steps: time.steps - steps }
  }
  return {
    ...hooks,
    learningRate: (rate, time) => hooks.learningRate!(rate, later(time)),
    ...(hooks.afterEpoch && {
      afterEpoch: (epoch) => {
        const time = later(epoch.time)
        return time.step > 0 ? hooks.afterEpoch!({ ...epoch, time }) : undefined
      },
    }),
    ...(hooks.observe && {
      observe: hooks.observe.map((observer) => ({
        every: observer.every,
        metrics(metrics, time) {
          if (later(time).step >= 0) observer.metrics(metrics, later(time))
        },
      })),
    }),
  }
}
