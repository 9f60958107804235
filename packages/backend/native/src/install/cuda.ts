// The NVIDIA wheels that TensorFlow's wheel requires.
import { compareVersions } from '@tricks/wheels'

export interface Requirement {
  readonly project: string
  readonly accepts: (version: string) => boolean
}

/** The NVIDIA wheels that a wheel's METADATA names for its extra `and-cuda`. */
export function cudaRequirements(metadata: string): Requirement[] {
  return [
    ...metadata.matchAll(/^Requires-Dist: (nvidia-[\w-]+)\s*\(?([^;)]*?)\)?\s*;.*and-cuda.*$/gm),
  ].map(([, project, specifiers]) => ({
    project: project!,
    accepts: (version) => specifiers!.split(',').every((each) => satisfies(version, each.trim())),
  }))
}

function satisfies(version: string, specifier: string): boolean {
  const [, operator, bound] = /^(==|!=|>=|<=|>|<)\s*([\d.]+)$/.exec(specifier) ?? []
  if (!bound) return specifier === ''
  const order = compareVersions(version, bound)
  const checks: Record<string, boolean> = {
    '==': order === 0,
    '!=': order !== 0,
    '>=': order >= 0,
    '<=': order <= 0,
    '>': order > 0,
    '<': order < 0,
  }
  return checks[operator!]!
}
