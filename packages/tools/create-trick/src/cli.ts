#!/usr/bin/env node
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { cancel, intro, outro, select, text } from '@clack/prompts'
import { bareName, namesIn, refusal } from './names.ts'
import { meanings, type Stage, stages } from './stages.ts'
import { repositoryPackage, standalonePackage } from './trick.ts'

const help = `Creates the package of a new trick, with a failing test that lists the next steps.

  npm create trick NAME -- [options]    a separate package in the folder NAME
  pnpm new-trick NAME [options]         a package of this repository, in its stage's folder

  --stage STAGE   where it acts: ${stages.join(', ')}
  --paper URL     the paper's address
  --help          print this help

Without these options, it asks for them.`

/** Asks a question, or ends the program if there is no terminal. */
async function ask(what: string, question: () => Promise<string | symbol>): Promise<string> {
  if (!process.stdin.isTTY)
    throw new Error(
      `create-trick: expected ${what} on the command line, as there is no terminal to ask (see --help)`,
    )
  const answer = await question()
  if (typeof answer !== 'string') {
    cancel('Nothing was written.')
    process.exit(130)
  }
  return answer
}

function parsed() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        stage: { type: 'string' },
        paper: { type: 'string' },
        repository: { type: 'string' },
        help: { type: 'boolean' },
      },
    })
  } catch (error) {
    // Node's message, without its advice on how to pass such a text.
    const [what] = (error as Error).message.split('. ')
    throw new Error(`create-trick: ${what} (see --help)`, { cause: error })
  }
}

async function main(): Promise<void> {
  const { values, positionals } = parsed()
  if (values.help === true) return console.log(help)
  if (positionals.length > 1)
    throw new Error(`create-trick: expected one name, got ${positionals.join(' ')}`)
  const { repository } = values
  const taken = repository === undefined ? [] : namesIn(repository).packages

  if (process.stdin.isTTY) intro('A new trick')
  const name =
    positionals[0] ??
    (await ask('NAME', () =>
      text({ message: 'Name of the trick?', validate: (given) => refusal(given ?? '', taken) }),
    ))
  const refused = refusal(name, taken)
  if (refused !== undefined) throw new Error(refused)
  const stage =
    values.stage ??
    (await ask('--stage', () =>
      select({
        message: 'Stage: what does it do?',
        options: stages.map((value) => ({
          value: value as string,
          label: value,
          hint: meanings[value],
        })),
      }),
    ))
  const paper =
    values.paper ?? (await ask('--paper', () => text({ message: 'Address of the paper?' })))

  const plan = { name, stage: stage as Stage, paper }
  const root = resolve(repository ?? bareName(name))
  const files = repository === undefined ? standalonePackage(plan) : repositoryPackage(plan, taken)
  if (repository === undefined && existsSync(root))
    throw new Error(`create-trick: expected a folder that does not exist yet, got ${root}`)
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), content, { flag: 'wx' })
  }

  const folder = repository === undefined ? bareName(name) : `packages/${stage}/${name}`
  const next =
    repository === undefined
      ? `cd ${folder} && npm install && npm test`
      : `npx --yes pnpm install && npx oxfmt ${folder} && npx vitest run --project node ${folder}`
  const done = `${folder} was created. Its test lists the next steps:\n\n${next}`
  if (process.stdin.isTTY) outro(done)
  else console.log(done)
}

try {
  await main()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
