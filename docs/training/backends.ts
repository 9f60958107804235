// Selects the worker's backend, and explains the choice.
import * as tf from '@tensorflow/tfjs-core'
import { startWasm } from '../backend.ts'
import type { BackendName } from './messages.ts'

/** Starts the requested backend, or the first available of WebGPU, WebGL and wasm. Returns a description, with reasons. */
export async function startBackend(asked: BackendName | 'auto'): Promise<string> {
  const reasons: string[] = []
  for (const name of asked === 'auto' ? (['webgpu', 'webgl', 'wasm'] as const) : [asked])
    try {
      const device = await start(name, asked === name)
      return [`${device}.`, ...reasons].join(' ')
    } catch (error) {
      reasons.push(`Not on ${titles[name]}: ${(error as Error).message.replace(/^webgpu: /, '')}`)
    }
  throw new Error(`No backend is available. ${reasons.join(' ')}`)
}

/** Backends that lost their device: they can't be started again in this page. */
const gone = new Set<string>()

/** Whether an error says that the device is gone; after a loss, WebGL can't compile shaders, or create what it needs. */
export const isLost = ({ message }: Error): boolean =>
  /(?:device|context|gpu)\b.*\blost|shader|webgl/i.test(message)

/** Aborted when WebGL's context is lost, even if the browser restores it at once: what it held is gone. */
let context = new AbortController()

/** Waits for work on the device. Without this, it would never end after WebGL's context is lost, as no read returns. */
export function whileDevice<T>(work: Promise<T>): Promise<T> {
  const { signal } = context
  const loss = new Promise<never>((_, reject) => {
    const lose = (): void => reject(new Error('the context is lost'))
    if (signal.aborted) lose()
    else signal.addEventListener('abort', lose, { once: true })
  })
  return Promise.race([work, loss])
}

/** Continues on the processor after a loss; tensors on the device are gone. */
export async function leaveDevice(): Promise<string> {
  gone.add(tf.getBackend())
  context = new AbortController()
  return startBackend('wasm')
}

/** Adds a remedy to the errors of devices. */
export function inWords(error: Error): string {
  const { message, name } = error
  if (name === 'InvalidStateError') return 'This file can’t be read as a picture.'
  if (isLost(error)) return 'The GPU stopped working. Start again, on the processor.'
  if (/memory|allocation/i.test(message))
    return `The device ran out of memory (${message}). Close other pages, or use fewer pictures.`
  return message
}

const titles = { webgpu: 'WebGPU', webgl: 'WebGL', wasm: 'the processor' } as const

async function start(name: BackendName, asked: boolean): Promise<string> {
  if (gone.has(name)) throw new Error('it stopped working. Reload the page to use it again.')
  if (name === 'wasm') {
    await startWasm()
    const isolated = globalThis.crossOriginIsolated
    return isolated
      ? `On the processor, with ${navigator.hardwareConcurrency} threads`
      : 'On the processor, with one thread: this server doesn’t send the headers that threads require'
  }
  if (name === 'webgpu') {
    const { findAdapter } = await import('@tricks/webgpu')
    const adapter = await findAdapter()
    if (!(await tf.setBackend('webgpu'))) throw new Error('it does not start.')
    return `On the GPU ${adapter.name}, with WebGPU`
  }
  const device = renderer()
  if (!asked && /swiftshader|llvmpipe|software|basic render/i.test(device))
    throw new Error('there is no GPU.')
  await import('@tensorflow/tfjs-backend-webgl')
  if (!(await tf.setBackend('webgl'))) throw new Error('it does not start.')
  const { gpgpu } = tf.backend() as unknown as { gpgpu: { readonly gl: WebGLRenderingContext } }
  gpgpu.gl.canvas.addEventListener('webglcontextlost', () => context.abort())
  return `On ${device}, with WebGL`
}

function renderer(): string {
  const gl = new OffscreenCanvas(1, 1).getContext('webgl2')
  if (!gl) throw new Error('it does not start.')
  const { UNMASKED_RENDERER_WEBGL } = gl.getExtension('WEBGL_debug_renderer_info') ?? {}
  return String(gl.getParameter(UNMASKED_RENDERER_WEBGL ?? gl.RENDERER))
}
