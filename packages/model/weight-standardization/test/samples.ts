// The required number of output channels.
export const samples = () => ({ standardizedConv2d: { filters: 4 } })
