// Reports what is installed, what is missing, and how to get it.
import { existsSync } from 'node:fs'
import { readdir, stat, statfs } from 'node:fs/promises'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { request } from '@tricks/wheels'
import { type Gpu, findGpus, obstacle } from './gpus.ts'
import { client } from './install/client.ts'
import { findCompiler, platformOf } from './install/platform.ts'
import { verify } from './install/verify.ts'
import {
  type Installation,
  cacheFolder,
  findInstallation,
  commandLine,
  versions,
} from './installation.ts'
import { processorFlags } from './processor.ts'

export interface Finding {
  readonly about: string
  readonly found: string
  /** What to do if something is missing. */
  readonly advice?: string
}

/**
 * Checks everything that native needs.
 *
 * @param checkCommand the command that checks an installation; its folder is appended
 */
export async function examine(checkCommand: readonly string[]): Promise<Finding[]> {
  const installation = findInstallation()
  const gpus = await findGpus()
  return [
    platform(),
    processor(),
    await compiler(),
    await cache(),
    await index(),
    installed(installation),
    ...(installation ? [await computes(installation, checkCommand)] : []),
    ...gpus.map((gpu) => adviseOn(gpu, installation)),
    ...(gpus.length === 0
      ? [{ about: 'GPU', found: 'no NVIDIA GPU (nvidia-smi finds none)' }]
      : []),
  ]
}

function platform(): Finding {
  const { platform: name, arch, version } = process
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } }
  const glibc = header.glibcVersionRuntime
  const found = `Node ${version}, ${name} ${arch}${glibc ? `, glibc ${glibc}` : ''}`
  try {
    platformOf('cpu')
    return { about: 'Platform', found }
  } catch (error) {
    return { about: 'Platform', found, advice: (error as Error).message.replace('native: ', '') }
  }
}

function processor(): Finding {
  const all = cpus()
  const known = ['avx', 'avx2', 'avx512f', 'avx512_bf16', 'amx_bf16']
  const has = processorFlags().filter((flag) => known.includes(flag))
  const found = `${all[0]?.model ?? 'unknown'}, ${all.length} cores${has.length > 0 ? `, ${has.join(' ')}` : ''}`
  const lacks = processorFlags().length > 0 && process.arch === 'x64' && !has.includes('avx')
  return {
    about: 'Processor',
    found,
    ...(lacks ? { advice: 'TensorFlow needs AVX, which this processor lacks.' } : {}),
  }
}

async function compiler(): Promise<Finding> {
  try {
    return { about: 'Compiler', found: (await findCompiler()).version }
  } catch (error) {
    const [, ...advice] = (error as Error).message.split('\n')
    return { about: 'Compiler', found: 'none', advice: advice.join('\n') }
  }
}

async function cache(): Promise<Finding> {
  const folder = cacheFolder()
  const { bavail, bsize } = await statfs(existsSync(folder) ? folder : '/')
  const size = Math.round((await sizeOf(folder)) / 1e6)
  return {
    about: 'Cache',
    found: `${folder}, ${size} MB; ${Math.round((bavail * bsize) / 1e9)} GB are free`,
  }
}

async function sizeOf(folder: string): Promise<number> {
  if (!existsSync(folder)) return 0
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const sizes = await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async (entry) => (await stat(join(entry.parentPath, entry.name))).size),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}

async function index(): Promise<Finding> {
  const from = client()
  const { host } = new URL(from.pip.index)
  try {
    const answer = await request(`${from.pip.index}${platformOf('cpu').project}/`, from)
    await answer.response.body?.cancel()
    return { about: 'Index', found: `${host} answers` }
  } catch (error) {
    const [first, ...advice] = (error as Error).message.replace('native: ', '').split('\n')
    return { about: 'Index', found: first!, advice: advice.join('\n') }
  }
}

function installed(installation: Installation | undefined): Finding {
  if (!installation) return { about: 'Installed', found: 'nothing', advice: commandLine() }
  const { tensorflow, tfjsNode, variant } = installation
  const old = tensorflow === versions.tensorflow ? {} : { advice: `To update: ${commandLine()}` }
  return {
    about: 'Installed',
    found: `TensorFlow ${tensorflow}${variant === 'cuda' ? ' with CUDA' : ''}, tfjs-node ${tfjsNode}`,
    ...old,
  }
}

async function computes(
  { folder, variant }: Installation,
  checkCommand: readonly string[],
): Promise<Finding> {
  try {
    const { device, log } = await verify([...checkCommand, folder])
    const found = `yes, on the ${device}: the gradient of a convolution is right`
    if (device === 'GPU' || variant === 'cpu') return { about: 'Computes', found }
    const about = log.filter((line) => /cuda|gpu|dlopen/i.test(line))
    return { about: 'Computes', found, advice: about.join('\n') || 'TensorFlow sees no GPU.' }
  } catch (error) {
    const [first, ...advice] = (error as Error).message.replace('native: ', '').split('\n')
    return {
      about: 'Computes',
      found: `no: ${first}`,
      advice: [...advice, `To reinstall: ${commandLine('uninstall')}, then ${commandLine()}`].join(
        '\n',
      ),
    }
  }
}

function adviseOn(gpu: Gpu, installation: Installation | undefined): Finding {
  const { name, driver, memory, capability } = gpu
  const found = `${name}, ${memory}, driver ${driver}, compute capability ${capability}`
  const toUseIt =
    installation?.variant === 'cuda' ? undefined : `To use it: ${commandLine('install --cuda')}`
  const advice = obstacle(gpu) ?? toUseIt
  return { about: 'GPU', found, ...(advice ? { advice } : {}) }
}
