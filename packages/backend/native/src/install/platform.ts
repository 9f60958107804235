// Which wheels suit this machine, and whether it can use one.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { commandLine, type Variant } from '../installation.ts'

const run = promisify(execFile)

export interface Platform {
  /** The wheel's project on the registry. */
  readonly project: string
  /** What a wheel's platform tag must match. */
  readonly tag: RegExp
  /** The shared libraries needed at run time, from the wheel's `tensorflow` folder. */
  readonly libraries: readonly string[]
  /** Maximum disk space needed in MB: the wheel and the extracted files. */
  readonly space: number
}

const linux = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2']
const mac = ['libtensorflow_cc.2.dylib', 'libtensorflow_framework.2.dylib']

/** The platform of this machine. @throws Error if TensorFlow publishes no wheel for it, or its system can't load it */
export function platformOf(
  variant: Variant,
  { platform, arch }: Pick<NodeJS.Process, 'platform' | 'arch'> = process,
): Platform {
  const name = `${platform} ${arch}`
  const cuda = variant === 'cuda'
  if (cuda && name !== 'linux x64')
    throw new Error(`native: expected Linux on x64 for --cuda, got ${name}: install without --cuda`)
  switch (name) {
    case 'linux x64':
      requireGlibc()
      return {
        project: cuda ? 'tensorflow' : 'tensorflow-cpu',
        tag: /manylinux\S*_x86_64/,
        libraries: linux,
        space: cuda ? 9500 : 1200,
      }
    case 'linux arm64':
      requireGlibc()
      return { project: 'tensorflow', tag: /manylinux\S*_aarch64/, libraries: linux, space: 1200 }
    case 'darwin arm64':
      return { project: 'tensorflow', tag: /macosx\S*_arm64/, libraries: mac, space: 1200 }
    default:
      throw new Error(
        `native: TensorFlow has no libraries for ${name} that Node can load\n` +
          (platform === 'win32' ? 'On Windows, use WSL 2: there it is Linux.\n' : '') +
          'On any platform you can use: npm install @tricks/wasm-training',
      )
  }
}

/** The wheels need glibc 2.27, of 2018. */
function requireGlibc(): void {
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } }
  const version = header.glibcVersionRuntime
  if (version === undefined)
    throw new Error(
      'native: TensorFlow needs glibc, but this system has another C library (such as musl on Alpine)\n' +
        'Use an image with Debian, such as node:24-slim, or npm install @tricks/wasm-training',
    )
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major < 2 || (major === 2 && minor < 27))
    throw new Error(`native: TensorFlow needs glibc 2.27 or newer, got ${version}`)
}

/** A compiler, and its version line. */
export interface Compiler {
  readonly command: string
  readonly version: string
}

/** The compiler named by `CXX`, or the first available of c++, g++ and clang++. */
export async function findCompiler(): Promise<Compiler> {
  const named = process.env['CXX']
  const commands = named ? [named] : ['c++', 'g++', 'clang++']
  for (const command of commands) {
    try {
      const { stdout } = await run(command, ['--version'])
      return { command, version: stdout.split('\n')[0]! }
    } catch {
      continue
    }
  }
  throw new Error(
    `native: no C++ compiler found (tried ${commands.join(', ')})\n` +
      '  Debian, Ubuntu: sudo apt-get install g++\n' +
      '  Fedora, RHEL: sudo dnf install gcc-c++\n' +
      '  macOS: xcode-select --install\n' +
      `Another compiler: CXX=/path/to/c++ ${commandLine()}`,
  )
}
