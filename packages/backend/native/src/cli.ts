#!/usr/bin/env node
import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { cac } from 'cac'
import { examine } from './doctor.ts'
import { install } from './install/index.ts'
import { pack } from './install/prebuilt.ts'
import { compute } from './install/verify.ts'
import { type Variant, cacheFolder, findInstallation, readInstallation } from './installation.ts'

const cli = cac('native')
const checkCommand = [...process.execArgv, fileURLToPath(import.meta.url), 'check']

cli
  .command('install', 'Install libtensorflow and the addon for this user, for all projects')
  .option('--cuda', 'With the CUDA libraries, for an NVIDIA GPU')
  .option('--from <path>', 'A wheel, or a folder of wheels, instead of the package index')
  .option('--no-check', 'Skip the check after installing, for an image for another processor')
  .action(async ({ cuda, from, check }: { cuda?: boolean; from?: string; check: boolean }) => {
    const variant: Variant = cuda ? 'cuda' : 'cpu'
    const { folder, device, fresh, tensorflow } = await install({
      variant,
      ...(from === undefined ? {} : { from }),
      check,
      checkCommand,
      report: (line) => console.log(line),
      progress: showProgress(),
    })
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
