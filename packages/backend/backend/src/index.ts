import * as tf from '@tensorflow/tfjs-core'

/** The values of `--backend`, from the fastest to the one that is always available. */
export const backendNames = ['tfjs-node-gpu', 'native', 'webgpu', 'wasm', 'cpu'] as const
export type BackendName = (typeof backendNames)[number]

interface Candidate {
  readonly package: string
  /** The backend's name in TensorFlow.js. */
  readonly registered: string
  readonly why: string
}

const candidates: Readonly<Record<BackendName, Candidate>> = {
  'tfjs-node-gpu': {
    package: '@tensorflow/tfjs-node-gpu',
    registered: 'tensorflow',
    why: 'TensorFlow on an NVIDIA GPU',
  },
  native: { package: '@tricks/native', registered: 'tensorflow', why: 'TensorFlow as native code' },
  webgpu: { package: '@tricks/webgpu', registered: 'webgpu', why: 'WebGPU on a GPU of any make' },
  wasm: {
    package: '@tricks/wasm-training',
    registered: 'wasm',
    why: 'WebAssembly with SIMD, the fastest that needs only npm',
  },
  cpu: {
    package: '@tensorflow/tfjs-backend-cpu',
    registered: 'cpu',
    why: 'plain JavaScript, for tests; too slow for training',
  },
}

export interface Backend {
  readonly name: BackendName
  /** A short description. */
  readonly why: string
  /** Faster backends that are not used, with reasons. */
  readonly skipped: readonly { readonly name: BackendName; readonly reason: string }[]
}

/**
 * Activates the best available backend, or the requested one.
 *
 * The order is tfjs-node-gpu, native, webgpu if there is a GPU, wasm. The plain cpu backend is used only on request.
 *
 * @param name one of `backendNames`; by default the best available
 * @throws Error with all reasons if the requested backend, or every backend, is missing or does not start
 * @example
 * const { name, why } = await useBackend()
 * console.log(`on ${name}: ${why}`)
 */
export async function useBackend(name?: BackendName): Promise<Backend> {
  if (name !== undefined && !(name in candidates))
    throw new Error(`backend: expected one of ${backendNames.join(', ')}, got ${name}`)
  const skipped: { name: BackendName; reason: string }[] = []
  for (const candidate of name ? [name] : backendNames.filter((other) => other !== 'cpu')) {
    const { reason, device } = await start(candidates[candidate])
    const { why } = candidates[candidate]
    if (reason === undefined)
      return { name: candidate, why: device ? `${why}: ${device}` : why, skipped }
    // A package's message starts with its name, which already precedes the reason.
    skipped.push({ name: candidate, reason: reason.replace(`${candidate}: `, '') })
  }
  const reasons = skipped.map((each) => `  ${each.name}: ${each.reason}`).join('\n')
  throw new Error(
    name
      ? `backend: the requested backend is not available\n${reasons}\nOmit the backend to use the fastest available one.`
      : `backend: no backend is available\n${reasons}\nThis one always works: npm install @tricks/wasm-training`,
  )
}

/** Activates a candidate; returns the device if its package reports it, or why it can't be used. */
async function start({
  package: source,
  registered,
}: Candidate): Promise<{ readonly reason?: string; readonly device?: string }> {
  let module: { findAdapter?(): Promise<{ readonly name: string }> }
  try {
    module = (await import(/* @vite-ignore */ source)) as typeof module
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const absent = code === 'ERR_MODULE_NOT_FOUND' && message.includes(`'${source}'`)
    return { reason: absent ? `not installed (npm install ${source})` : firstLine(message) }
  }
  try {
    // tfjs swallows the error of a backend that doesn't start.
    const adapter = await module.findAdapter?.()
    if (await tf.setBackend(registered)) return adapter ? { device: adapter.name } : {}
    return { reason: `${source} is installed, but its backend did not start` }
  } catch (error) {
    return { reason: firstLine((error as Error).message) }
  }
}

const firstLine = (message: string): string => message.split('\n')[0]!
