import { UsageError } from '../usage.ts'
import { type PolicyFlags, policyFlags } from '../policy/flags.ts'
import type { Command } from './command.ts'

export const search: Command<PolicyFlags> = {
  usage: 'search <data>',
  what: 'Search for an augmentation policy for your data, and compare it with random and published ones',
  flags: policyFlags,
  examples: [
    'search ./pictures --budget 2h',
    'search cifar10 --images 5000 --epochs 40 --recipe base --budget 2h',
    'search ./pictures --method fast-autoaugment --budget 2h',
  ],
  async run([data], flags, program) {
    if (flags.budget === undefined)
      throw new UsageError('search: expected --budget, such as --budget 2h')
    // Loaded on demand, as it imports every trick.
    const { runSearch } = await import('../policy/run.ts')
    return runSearch(String(data), flags, program)
  },
}
