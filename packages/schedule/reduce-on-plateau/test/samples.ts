// Options with which a run of a few epochs shows what the trick does.
export const samples = () => ({ reduceOnPlateau: { patience: 0, factor: 0.5 } })
