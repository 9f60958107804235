/** The principal components of a data set's colours. */
export interface Components {
  /** Variance along each component, for pixels in [0, 1]. */
  readonly eigenvalues: readonly number[]
  /** `eigenvectors[channel][component]`; each component has length 1. */
  readonly eigenvectors: readonly (readonly number[])[]
}

/** Whether the numbers of rows and columns of eigenvectors equal that of eigenvalues, within a limit. */
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
