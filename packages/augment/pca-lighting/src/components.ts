/** The directions in which a data set's colours vary. */
export interface Components {
  /** Variances along the components, of pixels in [0, 1]. */
  readonly eigenvalues: readonly number[]
  /** `eigenvectors[channel][component]`, each component of length 1. */
  readonly eigenvectors: readonly (readonly number[])[]
}

/** Whether there are as many rows and columns of eigenvectors as eigenvalues, all of a sane size. */
export function isComponents(value: unknown): value is Components {
  const { eigenvalues, eigenvectors } = (value ?? {}) as Partial<Components>
  const numbers = (list: unknown): list is readonly number[] =>
    Array.isArray(list) &&
    list.length === eigenvalues?.length &&
    list.every((each) => Number.isFinite(each) && Math.abs(each as number) <= 1e6)
  return (
    numbers(eigenvalues) &&
    eigenvalues.length > 0 &&
    Array.isArray(eigenvectors) &&
    eigenvectors.length === eigenvalues.length &&
    eigenvectors.every(numbers)
  )
}
