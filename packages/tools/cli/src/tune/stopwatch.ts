/** The time of a trial, which differs between equal trials. */
export interface WallClock {
  readonly seconds: number
  /** Processor time of all threads. */
  readonly cpuSeconds: number
}

/** Starts measuring. @returns a function that returns the time since */
export function stopwatch(): () => WallClock {
  const [began, before] = [performance.now(), process.cpuUsage()]
  return () => {
    const { user, system } = process.cpuUsage(before)
    return { seconds: (performance.now() - began) / 1000, cpuSeconds: (user + system) / 1e6 }
  }
}
