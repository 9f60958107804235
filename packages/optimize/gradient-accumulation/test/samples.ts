// Options with which a small batch shows what the trick does.
export const samples = () => ({ gradientAccumulation: { microBatch: 7 } })
