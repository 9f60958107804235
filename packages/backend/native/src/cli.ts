#!/usr/bin/env node
import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { cac } from 'cac'
import { examine } from './doctor.ts'
import { findGpus, obstacle } from './gpus.ts'
import { type Result, install } from './install/index.ts'
import { pack } from './install/prebuilt.ts'
import { compute } from './install/verify.ts'
import { type Variant, cacheFolder, findInstallation, readInstallation } from './installation.ts'
import { repair, requireWritable, undo } from './repair/index.ts'
import { type Target, canUndo, findTargets } from './repair/target.ts'

const cli = cac('native')
const checkCommand = [...process.execArgv, fileURLToPath(import.meta.url), 'check']

cli
  .command('install', 'Install libtensorflow and the addon for this user, for all projects')
  .option('--cuda', 'With the CUDA libraries, for an NVIDIA GPU')
  .option('--from <path>', 'A wheel, or a folder of wheels, instead of the package index')
  .option('--no-check', 'Skip the check after installing, for an image for another processor')
  .action(async ({ cuda, ...flags }: InstallFlags) => {
    const { folder, device, fresh, tensorflow } = await installed(cuda ? 'cuda' : 'cpu', flags)
    const computes = device ? `, computes on the ${device.device}` : ''
    console.log(
      `TensorFlow ${tensorflow} is ${fresh ? 'installed' : 'already installed'}${computes}: ${folder}`,
    )
    console.log("To use it: import '@tricks/native', then call tf.setBackend('tensorflow').")
  })

cli.command('uninstall', 'Remove installations and partial downloads').action(async () => {
  await rm(cacheFolder(), { recursive: true, force: true })
  console.log(`Removed ${cacheFolder()}.`)
})

cli
  .command(
    'repair [project]',
    'Make the @tensorflow/tfjs-node or tfjs-node-gpu work that a project installed with --ignore-scripts',
  )
  .option('--undo', 'Revert a repair')
  .option('--cuda', 'With the CUDA libraries, without looking for an NVIDIA GPU')
  .option('--from <path>', 'A wheel, or a folder of wheels, instead of the package index')
  .option('--no-check', 'Skip the checks, for an image for another processor')
  .action(async (project = '.', { undo: reverts, ...flags }: InstallFlags & { undo?: boolean }) => {
    const targets = findTargets(project)
    if (reverts) {
      const repaired = targets.filter(canUndo)
      for (const target of repaired.length > 0 ? repaired : targets) {
        await undo(target)
        console.log(`The repair of ${target.name} is undone: ${target.folder}`)
      }
      return
    }
    for (const target of targets) await requireWritable(target)
    for (const target of targets) {
      const installation = await installed(await variantFor(target, flags), flags)
      const { fresh, device } = await repair(target, installation, flags)
      const computes = device ? `, computes on the ${device}` : ''
      console.log(
        `${target.name} is ${fresh ? 'repaired' : 'already repaired'}${computes}: ${target.folder}`,
      )
    }
  })

cli
  .command('doctor', 'Report what is installed, what is missing, and how to get it')
  .action(async () => {
    const findings = await examine(checkCommand)
    for (const { about, found, advice } of findings) {
      console.log(`${advice ? '✗' : '✓'} ${about.padEnd(10)} ${found}`)
      for (const line of advice?.split('\n') ?? []) console.log(`  ${''.padEnd(10)} ${line}`)
    }
    if (!findings.some(({ about, found }) => about === 'Computes' && found.startsWith('yes')))
      process.exitCode = 1
  })

cli
  .command('pack <folder>', 'Create the package with the compiled addon for this platform')
  .option('--release <version>', 'Version of the package', { default: '1.0.0' })
  .action(async (folder: string, { release }: { release: string }) => {
    const installation = findInstallation()
    if (!installation) throw new Error('native: expected an installation to pack (native install)')
    console.log(`${await pack(installation, release, folder)} is in ${folder}.`)
  })

cli
  .command('check <folder>', 'Check the installation in a folder')
  .action(async (folder: string) => {
    const installation = readInstallation(folder)
    if (!installation) throw new Error(`native: expected an installation, got ${folder}`)
    console.log(JSON.stringify(await compute(installation)))
  })

cli.help()

interface InstallFlags {
  readonly cuda?: boolean
  readonly from?: string
  readonly check: boolean
}

async function installed(variant: Variant, { from, check }: InstallFlags): Promise<Result> {
  return install({
    variant,
    ...(from === undefined ? {} : { from }),
    check,
    checkCommand,
    report: (line) => console.log(line),
    progress: showProgress(),
  })
}

/** CUDA for the GPU package if there is a usable GPU; otherwise what is installed, as both compute on the CPU. */
async function variantFor({ name }: Target, { cuda }: InstallFlags): Promise<Variant> {
  if (cuda) return 'cuda'
  if (!name.endsWith('-gpu')) return 'cpu'
  const gpus = await findGpus()
  if (gpus.some((gpu) => obstacle(gpu) === undefined)) return 'cuda'
  return findInstallation()?.variant ?? 'cpu'
}

/** A line that is overwritten, in a terminal. */
function showProgress(): (bytes: number, total: number | undefined) => void {
  let shown = ''
  return (bytes, total) => {
    if (!process.stdout.isTTY) return
    const done = `${Math.round(bytes / 1e6)} MB`
    const line = total ? `${Math.floor((100 * bytes) / total)} %, ${done}` : done
    if (line === shown) return
    shown = line
    process.stdout.write(bytes === total ? '\r\u001B[K' : `\r${line}`)
  }
}

try {
  cli.parse(process.argv, { run: false })
  if (!cli.matchedCommand && !cli.options['help']) {
    cli.outputHelp()
    process.exitCode = 2
  } else await cli.runMatchedCommand()
} catch (error) {
  const { name, message, stack } = error as Error
  const expected = message.startsWith('native:') || name === 'CACError'
  console.error(expected ? message : stack)
  process.exitCode = name === 'CACError' ? 2 : 1
}
