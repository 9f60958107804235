// The required number of images per class.

export const samples = ({ classes }: { readonly classes: number }) => ({
  logitAdjustment: { counts: Array.from({ length: classes }, (_, i) => 10 + i) },
})
