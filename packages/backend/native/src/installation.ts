// Where an installation lies, and what is in it.
import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** The TensorFlow whose wheel is taken, and the tfjs-node whose addon is compiled against it. */
export const versions = { tensorflow: '2.21.0', tfjsNode: '4.22.0', protobuf: '3.21.4' } as const

/** With the layout below, or the ops, the folder's name changes, and an older release keeps its own. */
const layout = 7

export type Variant = 'cpu' | 'cuda'

/** What `install.json` holds; it is written last, so a folder that has it is whole. */
export interface Installed {
  readonly variant: Variant
  readonly tensorflow: string
  readonly tfjsNode: string
  /** The wheels that its libraries are from. */
  readonly wheels: readonly string[]
  /** Who made the addon: the compiler's own line, or the package that brought it. */
  readonly addon: string
}

export interface Installation extends Installed {
  readonly folder: string
}

/**
 * The folder that all projects of this user share: `TRICKS_NATIVE_CACHE`, or `tricks-native` in the system's
 * cache folder.
 */
export function cacheFolder(): string {
  const { TRICKS_NATIVE_CACHE, XDG_CACHE_HOME } = process.env
  if (TRICKS_NATIVE_CACHE) return TRICKS_NATIVE_CACHE
  if (XDG_CACHE_HOME) return join(XDG_CACHE_HOME, 'tricks-native')
  const home = process.platform === 'darwin' ? 'Library/Caches' : '.cache'
  return join(homedir(), home, 'tricks-native')
}

export function folderOf(variant: Variant): string {
  const { platform, arch } = process
  return join(
    cacheFolder(),
    `${layout}-tensorflow-${versions.tensorflow}-${variant}-${platform}-${arch}`,
  )
}

/** What is installed in a folder, or undefined. */
export function readInstallation(folder: string): Installation | undefined {
  const file = join(folder, 'install.json')
  if (!existsSync(file)) return undefined
  return { ...(JSON.parse(readFileSync(file, 'utf8')) as Installed), folder }
}

/** The installation to use: with CUDA where there is one, as it runs on the CPU too. */
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
 * What the ops of our own are compiled for, the best first, with what a processor must have (Linux's names). A compiler
 * may be too old for the first.
 */
export const opsFor: readonly { readonly name: string; readonly flags: readonly string[] }[] = [
  { name: 'amx', flags: [...avx512, 'amx_tile', 'amx_bf16'] },
  { name: 'avx512', flags: avx512 },
  { name: 'avx2', flags: ['avx2', 'fma'] },
]

export const opsFile = (name: string): string => `ops.${name}.node`
