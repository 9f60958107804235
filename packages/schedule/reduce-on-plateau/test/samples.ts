// Options that make the trick act within a few epochs.
export const samples = () => ({ reduceOnPlateau: { patience: 0, factor: 0.5 } })
