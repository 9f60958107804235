// Dawn, WebGPU for Node, from the npm package `webgpu`.
const source = 'webgpu'

/** The result of a search: the adapter, or the first warning. */
export interface Found {
  readonly info?: GPUAdapterInfo | undefined
  readonly warning?: string | undefined
}

/** Prints the adapter's description before Dawn is shut down, which may fail. */
const program = `
  import { writeSync } from 'node:fs'
  const [url, options] = process.argv.slice(1)
  const { create } = await import(url)
  const gpu = create([])
  const adapter = await gpu.requestAdapter(JSON.parse(options))
  const { vendor, architecture, device, description, isFallbackAdapter } = adapter?.info ?? {}
  const info = adapter ? { vendor, architecture, device, description, isFallbackAdapter } : undefined
  writeSync(1, '\\n' + JSON.stringify({ info }))
  process.exit()
`

/**
 * Searches for an adapter in a separate process. Without a GPU, Dawn, Vulkan's loader and the drivers print warnings
 * with build paths, which this process could not suppress; a broken driver ends its process.
 *
 * @returns undefined if only loading Dawn here can tell
 */
export async function search(options: GPURequestAdapterOptions): Promise<Found | undefined> {
  // Not in Node 20 before 20.16.
  const { execFile } = process.getBuiltinModule?.('node:child_process') ?? {}
  // Electron, Bun and programs that embed Node would start themselves.
  const isNode = /(^|[\\/])node(js)?(\.exe)?$/i.test(process.execPath)
  if (!execFile || !isNode) return undefined
  try {
    const found = [import.meta.resolve(source), JSON.stringify(options)]
    return await new Promise((resolve) => {
      execFile(
        process.execPath,
        ['--input-type=module', '--eval', program, ...found],
        // Without this process's debugger and loaders.
        { env: { ...process.env, NODE_OPTIONS: '' }, timeout: 60_000, windowsHide: true },
        (error, stdout, stderr) => resolve(read(stdout, stderr, error?.signal)),
      )
    })
  } catch {
    // The package is not installed, or this process may not start others.
    return undefined
  }
}

function read(stdout: string, stderr: string, signal?: string | null): Found | undefined {
  const warning = /^(?:Warning|Error): (.*)/m.exec(stderr)?.[1]
  const last = stdout.split('\n').at(-1)!
  if (last !== '') return { ...(JSON.parse(last) as Found), warning }
  return signal
    ? { warning: `the process that searched for one was killed with ${signal}` }
    : undefined
}

/** Loads Dawn into this process, where tfjs finds it like a browser's WebGPU. */
export async function load(): Promise<GPU> {
  let dawn: typeof import('webgpu')
  try {
    dawn = (await import(/* @vite-ignore */ source)) as typeof import('webgpu')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new Error(
      code === 'ERR_MODULE_NOT_FOUND'
        ? 'webgpu: Node needs the package webgpu (npm install webgpu)'
        : `webgpu: the package webgpu does not load here: ${message}`,
      { cause: error },
    )
  }
  // tfjs's backend expects these globals, as in browsers.
  Object.assign(globalThis, dawn.globals)
  const gpu = dawn.create([])
  if (typeof navigator === 'undefined') Object.assign(globalThis, { navigator: {} })
  Object.defineProperty(navigator, 'gpu', { value: gpu, configurable: true })
  return gpu
}
