/** The role of a variable in its layer. */
export type Role = 'kernel' | 'bias' | 'gamma' | 'beta' | 'mean' | 'variance'

/**
 * The role of a variable by its path: `kernel` (including depthwise and pointwise), `bias`, `gamma` and `beta` of a
 * norm, `mean` and `variance` of its moving statistics; undefined for others.
 *
 * @example
 * roleOf('block1/conv/depthwise_kernel') // 'kernel'
 * roleOf('block1/norm/moving_mean') // 'mean'
 */
export const roleOf = (path: string): Role | undefined =>
  /(?:^|[/_])(kernel|bias|gamma|beta|mean|variance)(?:-\d+)?$/.exec(path)?.[1] as Role | undefined
