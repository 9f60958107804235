import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface Gpu {
  readonly name: string
  readonly driver: string
  readonly memory: string
  /** Compute capability, for example 8.6. */
  readonly capability: number
}

/** This machine's NVIDIA GPUs, as nvidia-smi lists them. */
export async function findGpus(): Promise<Gpu[]> {
  const query = '--query-gpu=name,driver_version,memory.total,compute_cap'
  // On WSL it is not on the PATH.
  for (const command of ['nvidia-smi', '/usr/lib/wsl/lib/nvidia-smi'])
    try {
      const { stdout } = await run(command, [query, '--format=csv,noheader'])
      return stdout
        .trim()
        .split('\n')
        .map((line) => {
          const [name = '', driver = '', memory = '', capability] = line.split(', ')
          return { name, driver, memory, capability: Number(capability) }
        })
    } catch {
      continue
    }
  return []
}

/** Why TensorFlow can't use a GPU, if so: CUDA 12 needs driver 525, and the wheel has code for 6.0 and up. */
export function obstacle({ driver, capability }: Gpu): string | undefined {
  if (Number.parseInt(driver) < 525) return 'CUDA 12 needs driver 525 or newer.'
  if (capability < 6) return 'TensorFlow has no code for it: it needs compute capability 6.0.'
  return undefined
}
