/** Formats a fraction: '75.87 %', with a narrow no-break space; '–' if unknown. */
export const percent = (share: number | undefined, digits = 2): string =>
  share === undefined || !Number.isFinite(share) ? '–' : `${(share * 100).toFixed(digits)}\u202f%`

export const decimals = (value: number | undefined, digits = 3): string =>
  value === undefined || !Number.isFinite(value) ? '–' : value.toFixed(digits)

/** Formats a number: '1,234' */
export const count = (value: number): string => value.toLocaleString('en-US')

/** Formats a count: '1 image', '1,234 images' */
export const counted = (value: number, thing: string): string =>
  `${count(value)} ${thing}${value === 1 ? '' : 's'}`

/** Formats seconds: '48 s', '1:36 min', '2:05:00 h' */
export function duration(seconds: number): string {
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole}\u202fs`
  const two = (value: number): string => String(value % 60).padStart(2, '0')
  if (whole < 3600) return `${Math.floor(whole / 60)}:${two(whole)}\u202fmin`
  return `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60))}:${two(whole)}\u202fh`
}

/** Formats bytes: '412 MB', '1.3 GB' */
export const bytes = (size: number): string =>
  size < 1e9 ? `${Math.round(size / 1e6)}\u202fMB` : `${(size / 1e9).toFixed(1)}\u202fGB`
