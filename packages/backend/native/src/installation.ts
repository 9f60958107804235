// The location and contents of an installation.
import { existsSync, readFileSync } from 'node:fs'

import { join } from 'node:path'
import { cacheFolder as cacheFolderOf } from '@tricks/wheels/cache'

/** The TensorFlow version of the wheel, and the tfjs-node version of the addon. */
export const versions = { tensorflow: '2.21.0', tfjsNode: '4.22.0', protobuf: '3.21.4' } as const

/**
 * Part of the folder's name: change it with the layout below or the ops, so that older releases keep their own folder.
 */
const layout = 20

/** A command of this package as the user types it: in a clone of the repository, npx doesn't find the package. */
export function commandLine(words = 'install'): string {
  if (!import.meta.url.endsWith('.ts')) return `npx @tricks/native ${words}`
  return words === 'install' ? 'npm run native' : `npm run native -- ${words}`
}

export type Variant = 'cpu' | 'cuda'

/** The content of `install.json`; it is written last, so a folder that contains it is complete. */
export interface Installed {
  readonly variant: Variant
  readonly tensorflow: string
  readonly tfjsNode: string
  /** The wheels with its libraries. */
  readonly wheels: readonly string[]
  /** The origin of the addon: the compiler's version line, or the package with the prebuilt addon. */
  readonly addon: string
}

export interface Installation extends Installed {
  readonly folder: string
}

/** The folder shared by all projects of this user. */
export const cacheFolder = (): string => cacheFolderOf('native')

export function folderOf(variant: Variant): string {
  const { platform, arch } = process
  return join(
    cacheFolder(),
    `${layout}-tensorflow-${versions.tensorflow}-${variant}-${platform}-${arch}`,
  )
}

/** The installation in a folder, or undefined. */
export function readInstallation(folder: string): Installation | undefined {
  const file = join(folder, 'install.json')
  if (!existsSync(file)) return undefined
  return { ...(JSON.parse(readFileSync(file, 'utf8')) as Installed), folder }
}

/** The installation to use: with CUDA if available, as it runs on the CPU too. */
export function findInstallation(): Installation | undefined {
  return readInstallation(folderOf('cuda')) ?? readInstallation(folderOf('cpu'))
}

/** Paths within an installation. Libraries and addon find each other by relative paths, so it can be moved. */
export const parts = {
  manifest: 'install.json',
  addon: 'tfjs_binding.node',
  quiet: 'quiet.node',
  tensorflow: 'tensorflow',
  nvidia: 'nvidia',
  tfjsNode: 'node_modules/@tensorflow/tfjs-node',
  protobuf: 'node_modules/google-protobuf',
  tfjs: 'node_modules/@tensorflow/tfjs',
  tfjsCore: 'node_modules/@tensorflow/tfjs-core',
} as const

const avx512 = ['avx512f', 'avx512bw', 'avx512dq', 'avx512vl', 'fma']

/**
 * The variants that our ops are compiled for, best first, with the required processor flags (Linux's names). A compiler
 * may be too old for the first ones.
 */
export const opsFor: readonly { readonly name: string; readonly flags: readonly string[] }[] = [
  { name: 'amx', flags: [...avx512, 'amx_tile', 'amx_bf16'] },
  { name: 'avx512-bf16', flags: [...avx512, 'avx512_bf16'] },
  { name: 'avx512', flags: avx512 },
  { name: 'avx2', flags: ['avx2', 'fma'] },
]

export const opsFile = (name: string): string => `ops.${name}.node`
