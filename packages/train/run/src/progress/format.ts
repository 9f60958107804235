export const percent = (share: number): string => `${(share * 100).toFixed(2)} %`

/**
 * Formats seconds as minutes and seconds.
 *
 * @example
 * duration(75.4) // '1:15'
 */
export function duration(seconds: number): string {
  const whole = Math.round(seconds)
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`
}
