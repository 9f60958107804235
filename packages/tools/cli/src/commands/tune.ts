import { type TuneFlags, tuneFlags } from '../tune/flags.ts'
import { UsageError } from '../usage.ts'
import type { Command } from './command.ts'

export const tune: Command<TuneFlags> = {
  usage: 'tune <data>',
  what: 'Search for the tricks, their strengths and the optimizer options that suit your data',
  flags: tuneFlags,
  examples: [
    'tune ./pictures --budget 2h',
    'tune cifar10 --images 5000 --epochs 40 --recipe base --budget 2h',
    'tune cifar10 --dry',
    'tune cifar10 --budget 20h --queue redis://queue:6379 --storage /shared/tricks',
  ],
  async run([data], flags, program) {
    if (flags.budget === undefined && !flags.dry)
      throw new UsageError('tune: expected --budget, such as --budget 2h')
    // Loaded on demand, as it imports every trick.
    const { runTune } = await import('../tune/run.ts')
    return runTune(String(data), flags, program)
  },
}
