/** What a trial took, which differs between equal trials. */
export interface WallClock {
  readonly seconds: number
  /** Processor time of all threads. */
  readonly cpuSeconds: number
}

/** Starts to measure. @returns what has passed since */
export function stopwatch(): () => WallClock {
  const [began, before] = [performance.now(), process.cpuUsage()]
  return () => {
    const { user, system } = process.cpuUsage(before)
    return { seconds: (performance.now() - began) / 1000, cpuSeconds: (user + system) / 1e6 }
  }
}
