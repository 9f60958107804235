// The installer as a user runs it, with a local server that can be made to fail, a small wheel, and a compiler that
// writes an empty addon.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, readdirSync, statSync, utimesSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  type Mirror,
  makeWheel,
  nameOf,
  startMirror,
  supported,
  tensorflowFiles,
  wheelName,
} from './mirror.ts'

const cli = join(import.meta.dirname, '../src/cli.ts')
if (!supported)
  console.warn('The tests of the installer are skipped: there are no wheels for this platform.')

let folder: string
let cache: string
let mirror: Mirror
let environment: Record<string, string>

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'native-'))
  cache = join(folder, 'cache')
  mirror = await startMirror(folder)
  const compiler = join(folder, 'c++')
  await writeFile(
    compiler,
    '#!/bin/sh\n[ "$1" = --version ] && echo "a compiler 1.0" && exit\nfor output; do :; done\n: > "$output"\n',
  )
  await chmod(compiler, 0o755)
  environment = {
    PATH: [dirname(process.execPath), process.env['PATH']].join(delimiter),
    HOME: folder,
    CXX: compiler,
    TRICKS_NATIVE_CACHE: cache,
    PIP_INDEX_URL: mirror.index,
    PIP_DEFAULT_TIMEOUT: '5',
    npm_config_registry: mirror.registry,
    npm_config_cache: join(folder, 'npm'),
    npm_config_update_notifier: 'false',
  }
})
afterEach(async () => {
  await mirror[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

interface Run {
  readonly code: number | null
  readonly output: string
  readonly errors: string
}

function start(args: readonly string[], via: readonly string[] = []): ChildProcess {
  const node = [process.execPath, '--conditions=@tricks/source', cli, ...args]
  const [command, ...rest] = [...via, ...node]
  return spawn(command!, rest, { env: environment, cwd: folder })
}

async function ended(child: ChildProcess): Promise<Run> {
  let [output, errors] = ['', '']
  child.stdout!.on('data', (chunk) => (output += String(chunk)))
  child.stderr!.on('data', (chunk) => (errors += String(chunk)))
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  return { code, output, errors }
}

/** `--no-check`, as an empty addon computes nothing. */
const install = async (...args: string[]): Promise<Run> =>
  ended(start(['install', '--no-check', ...args]))

/** The sorted content of the cache folder. */
const inCache = (): string[] => (existsSync(cache) ? readdirSync(cache).toSorted() : [])
const installation = (): string =>
  join(
    cache,
    inCache().find((name) => /^\d+-tensorflow/.test(name))!,
  )
const part = (): string => join(cache, 'downloads', `${wheelName}.part`)
const wheelRequests = (): string[] =>
  mirror.requests
    .filter((each) => each.startsWith('/wheels/'))
    .map((each) => each.split(' ')[1] ?? 'all')

async function expectInstalled(): Promise<void> {
  expect(inCache()).toHaveLength(1)
  const library = Object.keys(tensorflowFiles)[0]!
  const found = readFileSync(join(installation(), library))
  expect(found.equals(tensorflowFiles[library] as Uint8Array)).toBe(true)
  expect(JSON.parse(readFileSync(join(installation(), 'install.json'), 'utf8'))).toMatchObject({
    variant: 'cpu',
    wheels: [wheelName],
    addon: 'a compiler 1.0',
  })
  expect((await ended(start(['uninstall']))).code).toBe(0)
  expect(existsSync(cache)).toBe(false)
}

/** Checks that it ended with a message without a stack, and left no complete or partial installation. */
function expectFailure({ code, errors }: Run, message: RegExp): void {
  expect(errors).toMatch(message)
  expect(errors).toMatch(/^native: /)
  expect(errors).not.toMatch(/^\s+at /m)
  expect(code).toBe(1)
  expect(inCache().filter((name) => name !== 'downloads')).toEqual([])
}

describe.skipIf(!supported)('install', () => {
  test('extracts the required files from the wheel, once', async () => {
    const first = await install()
    expect(first).toMatchObject({ code: 0, errors: '' })
    expect(first.output).toContain(`downloading ${wheelName} (3 MB)`)
    expect(first.output).toContain('is installed')
    expect(existsSync(join(installation(), 'tensorflow/python'))).toBe(false)
    expect(existsSync(join(installation(), 'tensorflow/include'))).toBe(false)
    mirror.requests.length = 0
    const second = await install()
    expect(second.output).toContain('already installed')
    expect(mirror.requests).toEqual([])
    await expectInstalled()
  })

  test('resumes an interrupted connection as long as it makes progress', async () => {
    let cuts = 8
    mirror.fault = ({ headers }, response, body) => {
      if (cuts-- <= 0) return false
      const from = Number(/\d+/.exec(headers.range ?? '0')![0])
      response.writeHead(from > 0 ? 206 : 200, { 'content-length': body.length - from })
      response.write(body.slice(from, from + 200_000), () =>
        setTimeout(() => response.destroy(), 50),
      )
      return true
    }
    expect(await install()).toMatchObject({ code: 0, errors: '' })
    const starts = wheelRequests()
    expect(starts).toHaveLength(9)
    expect(new Set(starts).size).toBe(9)
    await expectInstalled()
  })

  test('restarts if a server does not support ranges', async () => {
    let cuts = 1
    mirror.fault = (_, response, body) => {
      response.writeHead(200, { 'content-length': body.length })
      if (cuts-- > 0)
        response.write(body.slice(0, 500_000), () => setTimeout(() => response.destroy(), 50))
      else response.end(body)
      return true
    }
    expect(await install()).toMatchObject({ code: 0, errors: '' })
    await expectInstalled()
  })

  test('killed during a download, resumes it the next time', async () => {
    mirror.fault = (_, response, body) => {
      response.writeHead(200, { 'content-length': body.length })
      response.write(body.slice(0, 1_000_000))
      return true
    }
    const child = start(['install', '--no-check'])
    while (!existsSync(part()) || statSync(part()).size < 1_000_000)
      await new Promise((resolve) => setTimeout(resolve, 20))
    child.kill('SIGKILL')
    await ended(child)
    expect(inCache()).toEqual(['downloads'])
    mirror.fault = undefined
    const second = await install()
    expect(second).toMatchObject({ code: 0, errors: '' })
    // The dead process's lock is valid until it has not been refreshed for a while.
    expect(second.output).toContain('waiting for another installation')
    expect(wheelRequests()).toEqual(['all', 'bytes=1000000-'])
    await expectInstalled()
  })

  test('killed while compiling, leaves nothing for the next run, although its compilers still write', async () => {
    const compiler = environment['CXX']!
    const usual = readFileSync(compiler, 'utf8')
    // It ends when its output is closed.
    const endless =
      'while [ "$output" != /dev/null ]; do : > "$output.$((i = (i + 1) % 50))"; done\n'
    await writeFile(
      compiler,
      usual.replace(/: > .*\n/, () => endless),
    )
    const child = start(['install', '--no-check'])
    // Listens from the start, as it may be closed before anything is awaited after the kill.
    const end = ended(child)
    const staged = () => inCache().map((name) => join(cache, name))
    const written = () => staged().some((at) => existsSync(join(at, 'quiet.node.49')))
    while (!written()) await new Promise((resolve) => setTimeout(resolve, 20))
    child.kill('SIGKILL')
    await end
    await writeFile(compiler, usual)
    expect(await install()).toMatchObject({ code: 0, errors: '' })
    await expectInstalled()
  })

  test('does not wait for a stale lock', async () => {
    await mkdir(`${cache}.lock`, { recursive: true })
    utimesSync(`${cache}.lock`, 1, 1)
    const { code, output } = await install()
    expect(code).toBe(0)
    expect(output).not.toContain('waiting')
  })

  test('two concurrent runs download once, without conflicts', async () => {
    const runs = await Promise.all([install(), install()])
    for (const run of runs) expect(run).toMatchObject({ code: 0, errors: '' })
    const outputs = runs.map(({ output }) => output)
    expect(outputs.filter((output) => output.includes('already installed'))).toHaveLength(1)
    expect(wheelRequests()).toEqual(['all'])
    await expectInstalled()
  })

  test('deletes a file with a wrong byte and reports it', async () => {
    mirror.fault = (_, response, body) => {
      const wrong = Uint8Array.from(body)
      wrong[1_234_567]! ^= 1
      response.writeHead(200, { 'content-length': body.length }).end(wrong)
      return true
    }
    expectFailure(await install(), /does not match the index: its sha256 differs/)
    expect(existsSync(part())).toBe(false)
  })

  test('a wrong byte from an earlier run only causes another download', async () => {
    await mkdir(dirname(part()), { recursive: true })
    await writeFile(part(), new Uint8Array(700_000))
    expect(await install()).toMatchObject({ code: 0, errors: '' })
    expect(wheelRequests()).toEqual(['bytes=700000-', 'all'])
    await expectInstalled()
  })

  test('gives up on a server that stops responding, and keeps the partial download', async () => {
    environment['PIP_DEFAULT_TIMEOUT'] = '0.3'
    environment['PIP_RETRIES'] = '1'
    mirror.fault = ({ headers }, response, body) => {
      response.writeHead(headers.range ? 206 : 200, { 'content-length': body.length })
      if (!headers.range) response.write(body.slice(0, 400_000))
      return true
    }
    expectFailure(await install(), /no data for 0.3 s[^]*Run it again/)
    expect(statSync(part()).size).toBe(400_000)
  })

  test('without a network, the error lists remedies', async () => {
    await mirror[Symbol.asyncDispose]()
    expectFailure(await install(), /127.0.0.1:\d+ failed \(ECONNREFUSED\)[^]*--from FILE.whl/)
  })

  test('reports a file that exceeds the limit, and frees the space', async () => {
    const child = start(['install', '--no-check'], ['sh', '-c', 'ulimit -f 1000; exec "$@"', 'sh'])
    expectFailure(await ended(child), /this system's size limit[^]*TRICKS_NATIVE_CACHE/)
    expect(inCache()).toEqual([])
  })

  test('reports a disk that is too small before downloading', async (context) => {
    await mkdir(cache)
    const mount = ['-t', 'tmpfs', '-o', 'size=2m', 'none', cache]
    const { error, status } = spawnSync('mount', mount)
    context.skip(error !== undefined || status !== 0, 'mounting a tmpfs needs root')
    expectFailure(await install(), /has 2 MB free, and the installation needs 1200 MB/)
    expect(mirror.requests).toEqual([])
    spawnSync('umount', [cache])
  })

  test('without a compiler, the error explains how to get one, before anything is downloaded', async () => {
    environment['CXX'] = 'no-such-compiler'
    expectFailure(await install(), /no C\+\+ compiler[^]*apt-get install g\+\+/)
    expect(mirror.requests).toEqual([])
  })

  test("shows the compiler's output", async () => {
    await writeFile(
      environment['CXX']!,
      '#!/bin/sh\n[ "$1" = --version ] && exit\necho "no such header" >&2\nexit 1\n',
    )
    expectFailure(await install(), /could not compile the addon\nno such header/)
  })

  test('an addon that does not work is not installed', async () => {
    expectFailure(await ended(start(['install'])), /the installation does not work/)
  })

  test.each([
    ['win32', 'x64', 'use WSL 2'],
    ['freebsd', 'x64', 'has no libraries for freebsd x64'],
    ['darwin', 'x64', '@tricks/wasm-training'],
  ])('on %s %s, the error names an alternative', async (platform, arch, message) => {
    const set = (key: string, value: string) =>
      `Object.defineProperty(process, '${key}', { value: '${value}' })`
    const source = `${set('platform', platform)};${set('arch', arch)}`
    environment['NODE_OPTIONS'] = `--import=data:text/javascript,${encodeURIComponent(source)}`
    expectFailure(await install(), new RegExp(message))
    expect(mirror.requests).toEqual([])
  })

  test('an index without a matching wheel: lists its versions', async () => {
    mirror.wheels.clear()
    mirror.wheels.set(nameOf(wheelName.split('-')[0]!, '2.19.0'), makeWheel(tensorflowFiles))
    expectFailure(await install(), /no wheel of \S+ for this machine[^]*the versions 2\.19\.0/)
  })

  test('an index without TensorFlow: the error contains its response', async () => {
    mirror.wheels.clear()
    expectFailure(await install(), /answered 404/)
  })

  test("npm without tfjs-node: the error contains npm's message", async () => {
    environment['npm_config_registry'] = `${mirror.registry}none/`
    expectFailure(await install(), /npm could not fetch @tensorflow\/tfjs-node[^]*404/)
  })
})

describe.skipIf(!supported)('the wheel', () => {
  test('from the mirror that pip is configured for, with its credentials, in HTML', async () => {
    const url = new URL(mirror.index)
    mirror.credentials = 'me:p@ss'
    mirror.html = true
    url.username = 'me'
    url.password = 'p%40ss'
    const settings = join(folder, 'pip.conf')
    await writeFile(settings, `[global]\ntimeout = 9\n[install]\nindex-url = ${url.href}/\n`)
    delete environment['PIP_INDEX_URL']
    environment['PIP_CONFIG_FILE'] = settings
    expect(await install()).toMatchObject({ code: 0, errors: '' })
    await expectInstalled()
  })

  test('from a file or a folder, without any index', async () => {
    const file = join(folder, wheelName)
    await writeFile(file, mirror.wheels.get(wheelName)!)
    for (const from of [file, folder]) {
      expect(await install('--from', from)).toMatchObject({ code: 0, errors: '' })
      await expectInstalled()
    }
    expect(existsSync(file)).toBe(true)
    expect(mirror.requests.filter((each) => !each.startsWith('/npm/'))).toEqual([])
  })

  test('is read only from the path in --from', async () => {
    expectFailure(await install('--from', join(folder, 'none')), /expected a wheel or a folder/)
    expectFailure(await install('--from', folder), /no matching wheel[^]*pip download/)
    expect(mirror.requests).toEqual([])
  })

  test.each([
    [
      'a damaged file',
      makeWheel(tensorflowFiles, { [Object.keys(tensorflowFiles)[0]!]: 'x' }),
      /is damaged/,
    ],
    [
      'no libraries',
      makeWheel({ 'tensorflow/__init__.py': '' }),
      /has no tensorflow\/libtensorflow_cc/,
    ],
    ['not an archive', new Uint8Array(99), /is not a wheel/],
  ])('with %s is rejected', async (_, wheel, message) => {
    const file = join(folder, wheelName)
    await writeFile(file, wheel)
    expectFailure(await install('--from', file), message)
  })

  test('writes nothing outside its folder', async () => {
    const path = 'nvidia/cudnn/lib/../../../../../outside'
    mirror.wheels.set(wheelName, makeWheel({ ...tensorflowFiles, [path]: 'x' }))
    expectFailure(await install(), /invalid relative path/)
    expect(existsSync(join(folder, 'outside'))).toBe(false)
  })
})

test.skipIf(!supported)('a packed addon needs no compiler', async () => {
  await writeFile(
    environment['CXX']!,
    '#!/bin/sh\n[ "$1" = --version ] && exit\nfor output; do :; done\necho addon > "$output"\n',
  )
  await install()
  const name = `@tricks/native-${process.platform}-${process.arch}`
  const packed = join(folder, 'lib/node_modules', name)
  const { output } = await ended(start(['pack', packed, '--release', '1.2.3']))
  expect(output).toContain(`${name} is in ${packed}`)
  await ended(start(['uninstall']))
  environment['CXX'] = 'no-such-compiler'
  environment['NODE_PATH'] = join(folder, 'lib/node_modules')
  expect(await install()).toMatchObject({ code: 0, errors: '' })
  expect(readFileSync(join(installation(), 'tfjs_binding.node'), 'utf8')).toBe('addon\n')
  const manifest = readFileSync(join(installation(), 'install.json'), 'utf8')
  expect(JSON.parse(manifest)).toMatchObject({ addon: `${name} 1.2.3` })
  // It must not be used with another version of TensorFlow.
  await ended(start(['uninstall']))
  await writeFile(join(packed, 'package.json'), JSON.stringify({ name, tensorflow: '1.0.0' }))
  expectFailure(await install(), /no C\+\+ compiler/)
})

const hasCuda = process.platform === 'linux' && process.arch === 'x64'
test.skipIf(!hasCuda)(
  'with --cuda, also downloads the NVIDIA wheels that the wheel requires',
  async () => {
    const needs = [
      'Requires-Dist: numpy>=1.26.0',
      'Requires-Dist: nvidia-cudnn-cu12<10.0,>=9.3.0.75; extra == "and-cuda"',
      'Requires-Dist: nvidia-cublas-cu12 (<13.0,>=12.5.3.2) ; extra == "and-cuda"',
    ]
    const files = { ...tensorflowFiles, 'tensorflow-2.dist-info/METADATA': `${needs.join('\n')}\n` }
    mirror.wheels.clear()
    mirror.wheels.set(wheelName.replace('tensorflow_cpu', 'tensorflow'), makeWheel(files))
    for (const [project, version] of [
      ['cudnn', '9.2.9'],
      ['cudnn', '9.10.1.4'],
      ['cudnn', '9.9.0.52'],
      ['cudnn', '10.0.0'],
      ['cublas', '12.5.3.2'],
      ['cublas', '12.5.3'],
    ] as const)
      mirror.wheels.set(
        nameOf(`nvidia_${project}_cu12`, version),
        makeWheel({
          [`nvidia/${project}/lib/lib${project}.so`]: version,
          [`nvidia/${project}/include/a.h`]: '',
        }),
      )
    expect(await install('--cuda')).toMatchObject({ code: 0, errors: '' })
    const read = (project: string) =>
      readFileSync(join(installation(), `nvidia/${project}/lib/lib${project}.so`), 'utf8')
    expect([read('cudnn'), read('cublas')]).toEqual(['9.10.1.4', '12.5.3.2'])
    expect(existsSync(join(installation(), 'nvidia/cudnn/include'))).toBe(false)
  },
)

describe.skipIf(!supported)('doctor', () => {
  const doctor = (): Promise<Run> => ended(start(['doctor']))
  const smi = (...fields: string[]): Promise<void> =>
    writeFile(join(folder, 'nvidia-smi'), `#!/bin/sh\necho '${fields.join(', ')}'\n`, {
      mode: 0o755,
    })

  test('without an installation, explains how to install', async () => {
    const { code, output } = await doctor()
    expect(code).toBe(1)
    expect(output).toMatch(/✓ Compiler +a compiler 1\.0/)
    expect(output).toMatch(/✓ Index +127\.0\.0\.1:\d+ answers/)
    expect(output).toMatch(/✗ Installed +nothing\n +npm run native/)
  })

  test('reports an installation that does not work', async () => {
    await install()
    const { code, output } = await doctor()
    expect(code).toBe(1)
    expect(output).toMatch(
      /✗ Computes +no: [^]*To reinstall: npm run native -- uninstall, then npm run native/,
    )
  })

  test('reports missing parts with remedies', async () => {
    await mirror[Symbol.asyncDispose]()
    environment['CXX'] = 'no-such-compiler'
    const { output } = await doctor()
    expect(output).toMatch(/✗ Compiler +none\n +Debian, Ubuntu: sudo apt-get/)
    expect(output).toMatch(/✗ Index +the connection to \S+ failed \(ECONNREFUSED\)/)
  })

  test.each([
    [['NVIDIA L4', '550.54', '23034 MiB', '8.9'], '✗', 'npm run native -- install --cuda'],
    [['NVIDIA L4', '470.10', '23034 MiB', '8.9'], '✗', 'CUDA 12 needs driver 525 or newer'],
    [['GeForce GTX 960', '550.54', '4096 MiB', '5.2'], '✗', 'it needs compute capability 6.0'],
  ])('reports on the GPU %j', async (fields, mark, advice) => {
    await smi(...fields)
    environment['PATH'] = `${folder}${delimiter}${environment['PATH']}`
    const { output } = await doctor()
    expect(output).toContain(`${mark} GPU        ${fields[0]}, ${fields[2]}, driver ${fields[1]}`)
    expect(output).toContain(advice)
  })
})
