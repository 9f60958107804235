// Output channels, which are required.
export const samples = () => ({ standardizedConv2d: { filters: 4 } })
