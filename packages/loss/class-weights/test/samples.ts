// Images per class, which are required.

export const samples = ({ classes }: { readonly classes: number }) => ({
  classWeights: { counts: Array.from({ length: classes }, (_, i) => 10 + i) },
})
