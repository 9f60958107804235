// Types for jstat, which has none: only the parts used here.
declare module 'jstat' {
  const jstat: {
    readonly studentt: { inv(probability: number, degreesOfFreedom: number): number }
  }
  export default jstat
}
