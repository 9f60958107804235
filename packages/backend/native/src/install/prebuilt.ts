// The addon without a compiler: from a platform-specific package, as in esbuild and napi-rs.
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { type Installation, opsFile, opsFor, parts, versions } from '../installation.ts'

/** `@tricks/native-linux-x64`: an optional dependency that npm installs only on its platform. */
const packageName = `@tricks/native-${process.platform}-${process.arch}`

interface Manifest {
  readonly name: string
  readonly version: string
  /** The TensorFlow version that the addon is linked to; others have different symbols. */
  readonly tensorflow: string
}

export interface Prebuilt {
  readonly folder: string
  readonly name: string
}

/** The package for this platform, if it is installed and compatible. */
export function findPrebuilt(): Prebuilt | undefined {
  const require = createRequire(import.meta.url)
  try {
    const file = require.resolve(`${packageName}/package.json`)
    const { name, version, tensorflow } = require(file) as Manifest
    if (tensorflow !== versions.tensorflow) return undefined
    return { folder: dirname(file), name: `${name} ${version}` }
  } catch {
    return undefined
  }
}

const ops = process.arch === 'x64' ? opsFor : []
const files = [parts.addon, parts.quiet, ...ops.map(({ name }) => opsFile(name))]

export async function copyPrebuilt(prebuilt: Prebuilt, folder: string): Promise<void> {
  for (const file of files) await copyFile(join(prebuilt.folder, file), join(folder, file))
}

/** Creates the package with the prebuilt addon from an installation, to publish with a release. */
export async function pack(
  installation: Installation,
  version: string,
  folder: string,
): Promise<string> {
  await mkdir(folder, { recursive: true })
  for (const file of files) await copyFile(join(installation.folder, file), join(folder, file))
  const { platform, arch } = process
  const manifest: Manifest & Record<string, unknown> = {
    name: packageName,
    version,
    description: `The addon of @tricks/native for ${platform} ${arch}`,
    license: 'MIT',
    os: [platform],
    cpu: [arch],
    ...(platform === 'linux' ? { libc: ['glibc'] } : {}),
    files,
    tensorflow: installation.tensorflow,
  }
  await writeFile(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  return packageName
}
