/** Number of floats that `pack` needs: panels of eight columns, each with a row for the bias. */
export function packedSize(depth: number, columns: number): number {
  return 8 * Math.ceil(columns / 8) * (depth + 1)
}
