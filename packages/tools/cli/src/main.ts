import { existsSync } from 'node:fs'
import { Command as Parser, CommanderError, Option } from 'commander'
import { ablate } from './commands/ablate.ts'
import type { Command } from './commands/command.ts'
import { doctor } from './commands/doctor.ts'
import { experiment } from './commands/experiment.ts'
import { exportRun } from './commands/export.ts'
import { findRate } from './commands/find-rate.ts'
import { plot } from './commands/plot.ts'
import { predict } from './commands/predict.ts'
import { preview } from './commands/preview.ts'
import { recipes } from './commands/recipes.ts'
import { report } from './commands/report.ts'
import { resume } from './commands/resume.ts'
import { search } from './commands/search.ts'
import { train } from './commands/train.ts'
import { tune } from './commands/tune.ts'
import { worker } from './commands/worker.ts'
import { dashed, type FlagName, flags, parseFlag } from './flags.ts'
import { manifest } from './tricks.ts'
import { exitCodes, isInterruption, UsageError } from './usage.ts'

const commands = [
  train,
  resume,
  predict,
  report,
  preview,
  plot,
  findRate,
  recipes,
  ablate,
  tune,
  search,
  worker,
  experiment,
  exportRun,
  doctor,
] as unknown as readonly Command[]

/** The names of the commands. */
export const commandNames: readonly string[] = commands.map(({ usage }) => usage.split(' ')[0]!)

/**
 * Runs a command line.
 *
 * @param words the arguments after the program's name
 * @param program the program's name as the user calls it, for messages
 * @returns the exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted
 * @example
 * process.exitCode = await main(['recipes'])
 */
export async function main(words: readonly string[], program = 'tricks'): Promise<number> {
  for (const stream of [process.stdout, process.stderr])
    if (!stream.listeners('error').includes(ignoreClosedPipe)) stream.on('error', ignoreClosedPipe)
  const parser = new Parser(program)
    .description('Train an image classifier on your own pictures or CIFAR, and inspect the results')
    .usage('<command> [options]')
    .version(manifest.version, '--version', 'display the version')
    .helpCommand(false)
    .configureHelp({
      minWidthToWrap: 20,
      subcommandTerm: (command) => [command.name(), argumentsOf(command)].join(' '),
    })
    .configureOutput({ outputError: () => {} })
    .exitOverride()
  let exitCode = 0
  for (const command of commands) declare(parser, command, program, (code) => (exitCode = code))
  parser.addHelpText('after', `\nHelp for a command: ${program} train --help`)
  try {
    if (words.length === 0) throw new UsageError(parser.helpInformation())
    await parser.parseAsync([...words], { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0
    if (isInterruption(error as Error)) {
      console.error('Stopped')
      return exitCodes.interrupted
    }
    const { message, usage } = explain(error as Error, words, program)
    console.error(message)
    return usage ? exitCodes.usage : exitCodes.failed
  }
}

/** Whoever read the output, such as `head`, has seen enough. A training run still has to finish. */
function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error
}

function declare(
  parser: Parser,
  command: Command,
  program: string,
  end: (code: number) => void,
): void {
  const declared = parser.command(command.usage).description(command.what)
  for (const name of command.flags) declared.addOption(optionOf(name))
  const examples = command.examples?.map((example) => `  ${program} ${example}`) ?? []
  if (examples.length > 0) declared.addHelpText('after', `\nExamples:\n${examples.join('\n')}`)
  declared.action(async (...given: unknown[]) => {
    // The arguments are followed by the flags and commander's own object.
    const values = given.at(-2) as Parameters<Command['run']>[1]
    end((await command.run(given.slice(0, -2), values, program)) ?? 0)
  })
}

const argumentsOf = (command: Parser): string =>
  command.registeredArguments
    .map((argument) => {
      const name = argument.name() + (argument.variadic ? '...' : '')
      return argument.required ? `<${name}>` : `[${name}]`
    })
    .join(' ')

function optionOf(name: FlagName): Option {
  const { value, meaning } = flags[name] as { readonly value?: string; readonly meaning: string }
  if (value === undefined) return new Option(`--${dashed(name)}`, meaning)
  return new Option(`--${dashed(name)} ${value}`, meaning).argParser((text) =>
    parseFlag(name, text),
  )
}

/** The text to print for an error, and whether it is a usage error. */
function explain(
  error: Error,
  words: readonly string[],
  program: string,
): { readonly message: string; readonly usage: boolean } {
  if (error instanceof UsageError) return { message: error.message, usage: true }
  if (error instanceof CommanderError) {
    const [command] = words
    const message = error.message.replace(/^error: /, '').replace('\n', ' ')
    const isData = error.code === 'commander.unknownCommand' && looksLikeData(command!)
    const remedy = isData
      ? `did you mean ${program} train ${command}?`
      : `See ${[program, ...commandNames.filter((name) => name === command)].join(' ')} --help`
    return { message: `${message}${isData ? ': ' : '. '}${remedy}`, usage: true }
  }
  const advice =
    error.name === 'OutOfMemoryError'
      ? '\nOn the command line: --micro-batch 32, then halve it until it fits.'
      : ''
  return { message: `${error.message}${advice}`, usage: false }
}

const looksLikeData = (word: string): boolean => /^cifar/i.test(word) || existsSync(word)
