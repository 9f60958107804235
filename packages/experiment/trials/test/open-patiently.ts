import { openTrials } from '../src/open.ts'
import type { Queue, QueueOptions } from '../src/queue.ts'

/** Restarts a process until its server is up, as a cluster does. */
export async function openPatiently(where: string, options: QueueOptions): Promise<Queue> {
  for (;;)
    try {
      return await openTrials(where, options)
    } catch (error) {
      options.say?.((error as Error).message)
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
}
