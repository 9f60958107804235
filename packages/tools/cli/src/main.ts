import { cac } from 'cac'
import type { Command } from './commands/command.ts'
import { doctor } from './commands/doctor.ts'
import { exportRun } from './commands/export.ts'
import { plot } from './commands/plot.ts'
import { predict } from './commands/predict.ts'
import { preview } from './commands/preview.ts'
import { recipes } from './commands/recipes.ts'
import { report } from './commands/report.ts'
import { resume } from './commands/resume.ts'
import { train } from './commands/train.ts'
import { dashed, type FlagName, flags, parseFlags } from './flags.ts'
import { exitCodes, nearest, UsageError } from './usage.ts'

const commands = [
  train,
  resume,
  predict,
  report,
  preview,
  plot,
  recipes,
  exportRun,
  doctor,
] as unknown as readonly Command[]

const nameOf = ({ usage }: Command): string => usage.split(' ')[0]!
export const commandNames: readonly string[] = commands.map(nameOf)

/**
 * Runs a command line.
 *
 * @param argv without the program
 * @param program as the user calls it, for messages
 * @returns the exit code
 * @example
 * process.exitCode = await main(['recipes'])
 */
export async function main(argv: readonly string[], program = 'tricks'): Promise<number> {
  const cli = cac(program)
  let exitCode = 0
  for (const command of commands) declare(cli, command, program, (code) => (exitCode = code))
  cli.help()
  try {
    const [name] = argv
    if (name === undefined) {
      cli.outputHelp()
      return 0
    }
    if (!name.startsWith('-') && !commandNames.includes(name)) {
      const near = nearest(name, commandNames)
      throw new UsageError(
        `unknown command '${name}'${near === undefined ? '' : `: did you mean ${near}?`}`,
      )
    }
    cli.parse(['node', program, ...argv], { run: false })
    if (cli.options['help'] === true) return 0
    await cli.runMatchedCommand()
    return exitCode
  } catch (error) {
    return explain(error as Error, program)
  }
}

function declare(
  cli: ReturnType<typeof cac>,
  command: Command,
  program: string,
  end: (code: number) => void,
): void {
  const declared = cli.command(command.usage, command.what)
  for (const name of command.flags) {
    const { value, meaning } = flags[name] as { value?: string; meaning: string }
    declared.option(`--${dashed(name)}${value === undefined ? '' : ` ${value}`}`, meaning)
  }
  for (const example of command.examples ?? []) declared.example(`  ${program} ${example}`)
  declared.action(async (...given: unknown[]) => {
    const options = given.pop() as Readonly<Record<string, unknown>>
    rejectUnknown(options, command)
    const code = await command.run(given, parseFlags(command.flags, options), program)
    end(code ?? 0)
  })
  declared.allowUnknownOptions()
}

/** cac's own message names a flag without saying which one was meant. */
function rejectUnknown(options: Readonly<Record<string, unknown>>, command: Command): void {
  const known: readonly string[] = command.flags
  const strange = Object.keys(options).find((name) => name !== '--' && !known.includes(name))
  if (strange === undefined) return
  const near = nearest(strange, known)
  throw new UsageError(
    `${nameOf(command)}: unknown flag --${dashed(strange)}` +
      (near === undefined ? '' : `: did you mean --${dashed(near as FlagName)}?`),
  )
}

function explain(error: Error, program: string): number {
  // A missing argument or value is cac's error.
  const usage = error instanceof UsageError || error.name === 'CACError'
  const hint = usage
    ? `\nSee ${program} --help.`
    : error.name === 'OutOfMemoryError'
      ? '\nHere: --micro-batch 32, and half of that until it fits.'
      : ''
  console.error(`\n${error.message}${hint}`)
  return usage ? exitCodes.usage : exitCodes.failed
}
