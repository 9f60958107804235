// Options that make the trick act on a small batch.
export const samples = () => ({ gradientAccumulation: { microBatch: 7 } })
